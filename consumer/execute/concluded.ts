import type { Outcome, Reason } from "../../shared/model/outcome.ts";
import type { CallTask } from "../receive/chunk.ts";
import type { Attempt } from "./attempt.ts";

/** The outcome of a call whose last attempt succeeded. Written out, and not put together: each call makes one. */
export function succeeded(task: CallTask, attempt: Attempt): Outcome {
  return {
    id: task.call.id,
    state: "succeeded",
    status: statusOf(attempt),
    attempts: task.attempts,
    startedAt: task.startedAt,
    settledAt: Date.now(),
    latencyMs: tenths(attempt.latencyMs),
  };
}

/** The outcome of one whose last attempt failed. `error`: without a secret; absent where the status says it all. */
export function failed(
  task: CallTask,
  attempt: Attempt,
  reason: Reason,
  error: string | undefined,
): Outcome {
  const status = attempt.end?.kind === "answer" ? attempt.end.status : undefined;
  return {
    id: task.call.id,
    state: "failed",
    reason,
    ...(status === undefined ? {} : { status }),
    attempts: task.attempts,
    startedAt: task.startedAt,
    settledAt: Date.now(),
    latencyMs: tenths(attempt.latencyMs),
    error: error ?? `HTTP ${status}`,
  };
}

function statusOf({ end }: Attempt): number {
  if (end?.kind === "answer") return end.status;
  throw new Error("an attempt without an answer has not succeeded");
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
