import type { CallTask } from "../receive/chunk.ts";
import type { Attempt } from "./attempt.ts";
import { budgetOf, countFailure, failuresBefore } from "./budget.ts";
import { parseRetryAfter, retryDelayMs } from "./delay.ts";

/** Counts the failure against its budget; the wait is by that budget's backoff, and grows with its failures only. */
export function countAndDelay({ end, retryAfter }: Attempt, task: CallTask): number {
  const { retry } = task.chunk.message.policy;
  const budget = budgetOf(end!, retry);
  const failure = failuresBefore(task, budget) + 1;
  task.failures = countFailure(task, budget);
  const backoff = retry.rules[budget - 1]?.backoff ?? retry.backoff;
  const retryAfterMs = parseRetryAfter(retryAfter, Date.now(), retry.maxRetryAfterMs);
  return retryDelayMs(backoff, failure, retryAfterMs, Math.random());
}
