import { hash } from "node:crypto";
import { createWriteStream, rmSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, extname, join, posix, relative, resolve } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import type { S3Client } from "@aws-sdk/client-s3";
import { parseJson, parseYaml } from "../../shared/document/document.ts";
import { SenpuError, messageOf } from "../../shared/errors.ts";
import { createS3Client, statusOf } from "../../shared/s3/s3-client.ts";
import { s3Url } from "../../shared/s3/s3-object.ts";
import type { S3Object } from "../../shared/s3/s3-object.ts";
import type { PlanOverrides } from "../plan/assemble.ts";
import type { GivenLanes } from "../plan/merge-lanes.ts";
import type { Plan } from "../plan/plan.ts";
import { readPlan } from "../plan/read.ts";

/** A plan whose files lie here for as long as it is read. */
export interface FetchedPlan {
  readonly plan: Plan;
  /** The same for the same objects: bucket, key, and version or ETag of the plan and of its rows, hashed. */
  readonly identity: string;
  /** The files are not needed any more. */
  remove(): Promise<void>;
  /** The same, for a process that ends. */
  removeNow(): void;
}

/** Left of the disk for whatever else needs some. */
const RESERVE_BYTES = 10_000_000;
const NAME_CHARS = 100;

/**
 * Reads a plan from S3, and the rows that it names beside its own key, by way of files in the temporary folder: what is
 * larger than there is room for is refused, with both figures. An event that names a version or an ETag means that very
 * one. `region`: of the bucket; default what the SDK finds. Throws {@link SenpuError} `plan`.
 */
export async function readS3Plan(
  object: S3Object,
  overrides: PlanOverrides,
  given: GivenLanes | undefined,
  allow: readonly string[] = [],
  region?: string,
): Promise<FetchedPlan> {
  const s3 = createS3Client(region);
  const root = await mkdtemp(join(tmpdir(), "senpu-plan-"));
  const remove = (): Promise<void> => rm(root, { recursive: true, force: true });
  const shown = s3Url(object);
  try {
    // As deep as the key, so that `from: ../rows.csv` stays within the folder.
    const depth = object.key.split("/").length;
    const path = join(root, ...Array<string>(depth).fill("d"), fileName(object.key));
    const got = [await fetchObject(s3, object, path)];
    const rows = await readFrom(path, shown);
    if (rows !== undefined) got.push(await fetchRows(s3, object, rows, path, root));
    const spoolDir = root;
    const plan = await readPlan({ path, shown, spoolDir, runId: "s3", overrides, given, allow });
    const [, rowsObject] = got;
    const source = {
      ...plan.source,
      path: shown,
      ...(rowsObject !== undefined &&
        plan.source.rows !== undefined && {
          rows: { ...plan.source.rows, path: s3Url(rowsObject) },
        }),
    };
    const identity = hash("sha256", JSON.stringify(got.map(whichOf)));
    const removeNow = (): void => rmSync(root, { recursive: true, force: true });
    return { plan: { ...plan, source }, identity, remove, removeNow };
  } catch (error) {
    await remove();
    throw error;
  } finally {
    s3.destroy();
  }
}

function whichOf({ bucket, key, version, etag }: S3Object): readonly unknown[] {
  return [bucket, key, version ?? etag];
}

/** Its ending tells the format, and it may become the plan's name. */
function fileName(key: string): string {
  const name = posix
    .basename(key)
    .replaceAll(/[^A-Za-z0-9._-]/g, "_")
    .slice(-NAME_CHARS);
  return /^\.*$/.test(name) ? "plan" : name;
}

/** What `from` says, if anything; what is wrong with the plan is told by whoever reads it. */
async function readFrom(path: string, shown: string): Promise<string | undefined> {
  const format = extname(path).toLowerCase();
  if (![".yaml", ".yml", ".json"].includes(format)) return undefined;
  const text = await readFile(path, "utf8");
  try {
    const file = { kind: "plan", shown } as const;
    const { value } = format === ".json" ? parseJson(text, file) : parseYaml(text, file);
    const { from } = value as { readonly from?: unknown };
    return typeof from === "string" && from !== "" ? from : undefined;
  } catch {
    return undefined;
  }
}

async function fetchRows(
  s3: S3Client,
  plan: S3Object,
  from: string,
  planPath: string,
  root: string,
): Promise<S3Object> {
  const key = posix.join(posix.dirname(plan.key), from);
  const path = resolve(dirname(planPath), from);
  const isInside = !relative(root, path).startsWith("..") && !key.startsWith("..");
  if (from.startsWith("/") || /^[a-z0-9]+:/i.test(from) || !isInside || from.endsWith("/")) {
    throw new SenpuError(
      "plan",
      `${s3Url(plan)}: from ${JSON.stringify(from)} names no object; give a key relative to the plan's, in the same bucket`,
    );
  }
  return fetchObject(s3, { bucket: plan.bucket, key }, path);
}

/** Returns which object it was. */
async function fetchObject(s3: S3Client, object: S3Object, path: string): Promise<S3Object> {
  const { bucket, key, version, etag } = object;
  try {
    const answer = await s3.send(
      new GetObjectCommand({
        Bucket: bucket,
        Key: key,
        ChecksumMode: "ENABLED",
        ...(version !== undefined && version !== "null" && { VersionId: version }),
        ...(version === undefined && etag !== undefined && { IfMatch: `"${etag}"` }),
      }),
    );
    const body = answer.Body as Readable;
    try {
      await checkRoom(object, answer.ContentLength ?? 0);
    } catch (error) {
      body.destroy();
      throw error;
    }
    await mkdir(dirname(path), { recursive: true });
    await pipeline(body, createWriteStream(path, { mode: 0o600 }));
    const found = { version: answer.VersionId, etag: answer.ETag?.replaceAll('"', "") };
    return {
      bucket,
      key,
      ...(found.version !== undefined && found.version !== "null" && { version: found.version }),
      ...(found.etag !== undefined && { etag: found.etag }),
    };
  } catch (cause) {
    if (cause instanceof SenpuError) throw cause;
    throw new SenpuError("plan", `${s3Url(object)}: ${complaint(cause)}`, { cause });
  }
}

function complaint(cause: unknown): string {
  const status = statusOf(cause);
  if (status === 404) return "there is no such object";
  if (status === 403) {
    return `it may not be read, or is not there (${messageOf(cause)}): the function needs s3:GetObject on it`;
  }
  return status === 412
    ? "it has been replaced since the event; the new object's own event makes a run of it"
    : `it cannot be read: ${messageOf(cause)}`;
}

async function checkRoom(object: S3Object, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(tmpdir());
  const room = bavail * bsize - RESERVE_BYTES;
  if (bytes <= room) return;
  throw new SenpuError(
    "plan",
    `${s3Url(object)} has ${bytes} bytes, and ${tmpdir()} has room for ${Math.max(0, room)}: give the function more ephemeral storage (up to 10,240 MB), or split the plan`,
  );
}
