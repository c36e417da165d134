import type { RetryCause, RetryPolicy } from "../../shared/model/policy.ts";
import type { AttemptEnd } from "./judge.ts";

/**
 * Which failures count together. Budget 0 is the policy's own, `i + 1` that of `rules[i]`; a failure counts against the
 * first rule that names it, else against the policy's own where that names it. Pure.
 */

/** How often a call was tried. */
export interface Tried {
  /** HTTP tries, the one that is judged included. */
  readonly attempts: number;
  /** As in `Call`, the one that is judged not included; undefined: all so far counted against the policy's own budget. */
  readonly failures?: readonly number[] | undefined;
}

/** The budget of a failure; -1: it is not tried again. */
export function budgetOf(end: AttemptEnd, retry: RetryPolicy): number {
  const cause = causeOf(end);
  if (cause === null) return -1;
  const rule = retry.rules.findIndex(({ on }) => names(on, cause));
  if (rule !== -1) return rule + 1;
  return names(retry.on, cause) ? 0 : -1;
}

/** Failures with which a budget is used up. */
export function allowance(budget: number, { attempts, rules }: RetryPolicy): number {
  return budget === 0 ? attempts : (rules[budget - 1]?.attempts ?? Infinity);
}

/** Failures of a budget before the attempt that is judged. */
export function failuresBefore(tried: Tried, budget: number): number {
  if (tried.failures !== undefined) return tried.failures[budget] ?? 0;
  return budget === 0 ? tried.attempts - 1 : 0;
}

/** The failures with one more in `budget`; undefined while all count against the policy's own. */
export function countFailure(tried: Tried, budget: number): readonly number[] | undefined {
  if (budget === 0 && tried.failures === undefined) return undefined;
  const length = Math.max(budget + 1, tried.failures?.length ?? 1);
  return Array.from(
    { length },
    (_, index) => failuresBefore(tried, index) + (index === budget ? 1 : 0),
  );
}

function causeOf(end: AttemptEnd): RetryCause | null {
  if (end.kind === "answer") return end.unmet === true ? "expect" : end.status;
  return end.kind === "invalid" || end.kind === "blocked" ? null : end.kind;
}

/** `network` stands for whatever kept an answer from coming, but time; an answer that was not expected has come. */
function names(on: readonly RetryCause[], cause: RetryCause): boolean {
  return (
    on.includes(cause) ||
    (typeof cause === "string" &&
      cause !== "timeout" &&
      cause !== "expect" &&
      on.includes("network"))
  );
}
