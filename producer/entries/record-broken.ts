import { isTransient } from "../../shared/broker/patience.ts";
import { SenpuError } from "../../shared/errors.ts";
import type { ProducerOrder } from "../../shared/lambda/producer-event.ts";
import type { Ledger } from "../../shared/ledger/ledger.ts";
import { s3Url } from "../../shared/s3/s3-object.ts";
import type { PlanSource } from "../plan/plan.ts";
import type { Published } from "./published.ts";
import { scheduledRunId } from "./read-ordered.ts";

const BY = "producer function";
/** Of what is wrong, in the run's history. */
const MAX_WHY_CHARS = 2_000;

/**
 * A schedule's plan that is missing or broken is a run all the same, cancelled before its first call, with the reason in
 * its history: so it shows where people look for runs, and is told of like the end of any other.
 *
 * Returns what a later try of the same event ends with; undefined for the first, whose error then fails the invocation,
 * which an alarm tells. So it is tried twice, however often Lambda would. Undefined, too, for what may pass (S3 that does
 * not answer), and for who is no schedule.
 */
export async function recordBroken(
  ledger: Ledger,
  order: ProducerOrder,
  error: unknown,
): Promise<Published | undefined> {
  const { name, time } = order;
  if (name === undefined || time === undefined || !isBroken(error)) return undefined;
  const run = scheduledRunId(name, time, "");
  const row = await ledger.findRun(run);
  if (row !== undefined) {
    return row.state === "cancelled"
      ? { run, state: "cancelled", planned: row.planned }
      : undefined;
  }
  const shown = placeOf(order);
  const at = Date.now();
  await ledger.createRun(
    {
      id: run,
      name,
      parent: null,
      createdAt: at,
      source: JSON.stringify({ path: shown, shown, digest: "" } satisfies PlanSource),
      settings: "{}",
      tolerance: null,
    },
    BY,
  );
  await ledger.setState(run, "cancelled", `${BY}: ${error.message.slice(0, MAX_WHY_CHARS)}`, at);
  return undefined;
}

/** As wrong in a minute as now: not S3's being out of reach. */
function isBroken(error: unknown): error is SenpuError {
  return error instanceof SenpuError && error.code === "plan" && !isTransient(error.cause);
}

function placeOf({ plan }: ProducerOrder): string {
  if (plan.kind === "object") return s3Url(plan.object);
  return plan.kind === "path" ? plan.path : "the event";
}
