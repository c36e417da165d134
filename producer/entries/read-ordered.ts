import { CONFIG_VARIABLE, loadConfig } from "../../shared/config/load-config.ts";
import { environmentVariable } from "../../shared/environment.ts";
import type { ProducerOrder } from "../../shared/lambda/producer-event.ts";
import type { GivenLanes } from "../plan/merge-lanes.ts";
import type { Plan } from "../plan/plan.ts";
import { planFromObject, readPlan } from "../plan/read.ts";

const MAX_NAME_CHARS = 40;
/** Of a hash: as many as tell objects apart for good, and fit a run's id. */
const IDENTITY_CHARS = 24;

export interface OrderedPlan {
  readonly plan: Plan;
  readonly run: string;
  /** The plan is not read any more. */
  remove(): Promise<void>;
}

/** The plan that an event names, and the id of the run that this event, however often it comes, makes of it. */
export async function readOrdered(
  order: ProducerOrder,
  spoolDir: string,
  requestId: string,
): Promise<OrderedPlan> {
  const { name, traceparent } = order;
  const overrides = {
    ...(name === undefined ? {} : { name }),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
  const { plan: place, time } = order;
  const given = await deployedLanes();
  if (place.kind === "object") {
    // S3's client is loaded only where it is needed.
    const { readS3Plan } = await import("./s3-plan.ts");
    const fetched = await readS3Plan(place.object, overrides, given);
    const which = fetched.identity.slice(0, IDENTITY_CHARS);
    const run = scheduledRunId(fetched.plan.name, time, which);
    return { plan: fetched.plan, run, remove: () => fetched.remove() };
  }
  const plan =
    place.kind === "path"
      ? await readPlan({ path: place.path, spoolDir, runId: requestId, overrides, given })
      : await planFromObject(place.plan, { baseDir: ".", overrides, given });
  return {
    plan,
    run: scheduledRunId(plan.name, time, requestId),
    remove: async () => plan.release?.(),
  };
}

/** Of a deployment, the file that its variable names; what lies about on this machine says nothing of one. */
async function deployedLanes(): Promise<GivenLanes | undefined> {
  if (!environmentVariable(CONFIG_VARIABLE)) return undefined;
  const config = await loadConfig();
  return config === undefined ? undefined : { kind: "deployed", config };
}

/** The name and the schedule's time to the second; without a time, what else tells it apart: the invocation, the object. */
export function scheduledRunId(name: string, time: string | undefined, otherwise: string): string {
  const plain = name.replaceAll(/[^A-Za-z0-9._-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "");
  const which =
    time === undefined
      ? otherwise
      : new Date(time).toISOString().replaceAll(/[-:]/g, "").slice(0, 15).toLowerCase();
  return `${plain.slice(0, MAX_NAME_CHARS) || "run"}-${which}`;
}
