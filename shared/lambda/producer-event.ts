import { SenpuError } from "../errors.ts";
import { parseS3Url, s3Url } from "../s3/s3-object.ts";
import type { S3Object } from "../s3/s3-object.ts";

/** What the producer function is to do: a schedule's input, a direct invocation, or an object that has come into a bucket. */
export interface ProducerOrder {
  /** The plan: an object in S3, a path within the function's package or on this machine, or as the schema describes it. */
  readonly plan: PlanPlace;
  /** Names the run in place of the plan's own name. */
  readonly name: string | undefined;
  /** When the schedule fired, ISO 8601: makes the run's id, so that a schedule that fires twice makes one run. */
  readonly time: string | undefined;
  /** While a run of that name has not ended, this one: `skip`, does not begin; `queue`, begins behind it; else begins. */
  readonly overlap: Overlap | undefined;
  /** W3C: whose trace the run goes on with. */
  readonly traceparent?: string;
}

type Overlap = (typeof OVERLAPS)[number];
const OVERLAPS = ["skip", "queue", "allow"] as const;

type PlanPlace =
  | { readonly kind: "object"; readonly object: S3Object }
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "plan"; readonly plan: Readonly<Record<string, unknown>> };

const TAKES =
  'a schedule\'s input {"plan": "plan.yaml", "name": "nightly", "time": "<aws.scheduler.scheduled-time>", "overlap": "skip"}, {"plan": "s3://bucket/plan.yaml"}, {"plan": {"calls": [ … ]}}, or the event of an object created in S3';

/** Throws {@link SenpuError} `message`, which says what the function takes and what is wrong with this. */
export function readProducerEvent(event: unknown): ProducerOrder {
  if (typeof event !== "object" || event === null || Array.isArray(event)) {
    throw unsuitable(`it is ${shown(event)}`);
  }
  const created = readCreated(event as Record<string, unknown>);
  if (created !== undefined) {
    const place = { kind: "object", object: created } as const;
    return { plan: place, name: undefined, time: undefined, overlap: undefined };
  }
  const { plan, name, time, overlap, traceparent } = event as Record<string, unknown>;
  if (plan === undefined) throw unsuitable(`it has no plan but ${shown(event)}`);
  const isPlan =
    (typeof plan === "string" && plan !== "" && plan !== "-") ||
    (typeof plan === "object" && plan !== null && !Array.isArray(plan));
  if (!isPlan) throw unsuitable(`plan should be a path or a plan, and is ${shown(plan)}`);
  if (name !== undefined && (typeof name !== "string" || name === "")) {
    throw unsuitable(`name should be text, and is ${shown(name)}`);
  }
  if (time !== undefined && !(typeof time === "string" && !Number.isNaN(Date.parse(time)))) {
    throw unsuitable(`time should be ISO 8601, and is ${shown(time)}`);
  }
  return {
    plan: readPlace(plan as string | Readonly<Record<string, unknown>>),
    name,
    time,
    overlap: readOverlap(overlap, name !== undefined && time !== undefined),
    ...(typeof traceparent === "string" && { traceparent }),
  };
}

/** Held by the schedule's name, and over a wait the time still makes the same run's id. */
function readOverlap(overlap: unknown, isSchedule: boolean): Overlap | undefined {
  if (overlap === undefined) return undefined;
  const found = OVERLAPS.find((one) => one === overlap);
  if (found === undefined) {
    throw unsuitable(`overlap should be ${OVERLAPS.join(", ")}, and is ${shown(overlap)}`);
  }
  if (!isSchedule) throw unsuitable("overlap is a schedule's, which has a name and a time");
  return found;
}

function readPlace(plan: string | Readonly<Record<string, unknown>>): PlanPlace {
  if (typeof plan !== "string") return { kind: "plan", plan };
  if (!plan.startsWith("s3:")) return { kind: "path", path: plan };
  const object = parseS3Url(plan);
  if (object === undefined) {
    throw unsuitable(`plan should be s3://bucket/key, and is ${shown(plan)}`);
  }
  return { kind: "object", object };
}

/**
 * The object of an event by which S3 tells that one was created; undefined for another event. In the form of
 * notifications the key is written as in a form, in that of EventBridge as it is.
 * Source: S3 user guide, "Event message structure" and "EventBridge event message structure".
 */
function readCreated(event: Record<string, unknown>): S3Object | undefined {
  if (event["source"] === "aws.s3") {
    const what = event["detail-type"];
    if (what !== "Object Created") throw unsuitable(`S3 tells of ${shown(what)}`);
    const { bucket, object } = (event["detail"] ?? {}) as S3Detail;
    return checkObject(bucket?.name, object?.key, object?.["version-id"], object?.etag);
  }
  const records = event["Records"];
  if (!Array.isArray(records)) return undefined;
  const [record, ...more] = records as S3Record[];
  if (record?.eventSource !== "aws:s3") throw unsuitable(`its Records are ${shown(records)}`);
  if (more.length > 0) {
    throw unsuitable(`it tells of ${records.length} objects; a run has one plan`);
  }
  const what = String(record.eventName);
  if (!what.startsWith("ObjectCreated:")) throw unsuitable(`S3 tells of ${shown(what)}`);
  const { bucket, object } = record.s3 ?? {};
  const key = typeof object?.key === "string" ? fromForm(object.key) : object?.key;
  return checkObject(bucket?.name, key, object?.versionId, object?.eTag);
}

interface S3Detail {
  readonly bucket?: { readonly name?: unknown };
  readonly object?: {
    readonly key?: unknown;
    readonly "version-id"?: unknown;
    readonly etag?: unknown;
  };
}

interface S3Record {
  readonly eventSource?: unknown;
  readonly eventName?: unknown;
  readonly s3?: {
    readonly bucket?: { readonly name?: unknown };
    readonly object?: {
      readonly key?: unknown;
      readonly versionId?: unknown;
      readonly eTag?: unknown;
    };
  };
}

function fromForm(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll("+", " "));
  } catch {
    throw unsuitable(`its key is written as no form is: ${shown(key)}`);
  }
}

function checkObject(bucket: unknown, key: unknown, version: unknown, etag: unknown): S3Object {
  const found =
    typeof bucket === "string" && typeof key === "string"
      ? parseS3Url(s3Url({ bucket, key }))
      : undefined;
  if (found === undefined) {
    throw unsuitable(`S3 names no object: bucket ${shown(bucket)}, key ${shown(key)}`);
  }
  return {
    ...found,
    ...(typeof version === "string" && version !== "" ? { version } : {}),
    ...(typeof etag === "string" && etag !== "" ? { etag } : {}),
  };
}

function unsuitable(what: string): SenpuError {
  return new SenpuError(
    "message",
    `the event does not suit: ${what}. This function takes ${TAKES}`,
  );
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 80);
}
