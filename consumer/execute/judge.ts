import type { Method } from "../../shared/model/call.ts";
import { isUnsafe } from "../../shared/model/call.ts";
import type { Reason } from "../../shared/model/outcome.ts";
import type { Policy } from "../../shared/model/policy.ts";
import { matchesStatus } from "../../shared/model/policy.ts";
import { allowance, budgetOf, failuresBefore } from "./budget.ts";
import type { Tried } from "./budget.ts";

/** What one attempt came to, as far as judging it goes. */
export type AttemptEnd =
  /** `unmet`: whose status says success, and whose body is not what was expected. */
  | { readonly kind: "answer"; readonly status: number; readonly unmet?: true }
  /** `sent`: the request had begun to leave, so the server may have acted on it. */
  | { readonly kind: NoAnswer; readonly sent: boolean }
  /** It could not be put on the wire at all: a header or path that HTTP does not allow. */
  | { readonly kind: "invalid" }
  /** It leads to an internal address that its run is not meant to call. `sent`: by a redirect of what it called first. */
  | { readonly kind: "blocked"; readonly sent: boolean };

/** Why no answer came; `network`: none of the others. What was refused, or found no address, was never sent. */
export type NoAnswer = "network" | "refused" | "reset" | "dns" | "timeout";

export type Verdict = "succeeded" | "retry" | Reason;

/**
 * Statuses by which a server says that it did not process the request, so that even an unsafe one may be repeated:
 * 408 and 503 (RFC 9110, 15.5.9 and 15.6.4), 425 (RFC 8470, 5.2), 429 (RFC 6585, 4).
 */
const NOT_PROCESSED: ReadonlySet<number> = new Set([408, 425, 429, 503]);

/** Answers of a gateway about a server whose own answer nobody saw (RFC 9110, 15.6.3 and 15.6.5). */
const RESULT_UNSEEN: ReadonlySet<number> = new Set([502, 504]);

/** Judges the end of an attempt; `tried` counts those of all deliveries. Pure. */
export function judge(end: AttemptEnd, method: Method, tried: Tried, policy: Policy): Verdict {
  const guarded = isUnsafe(method) && !policy.retry.unsafe;
  if (end.kind === "invalid" || end.kind === "blocked") return end.kind;
  if (end.kind !== "answer") {
    if (guarded && end.sent) return "unknown";
    return mayTryAgain(end, tried, policy) ?? "exhausted";
  }
  if (end.unmet !== true && isSuccess(policy, end.status)) return "succeeded";
  if (guarded && end.unmet !== true && RESULT_UNSEEN.has(end.status)) return "unknown";
  if (guarded && (end.unmet === true || !NOT_PROCESSED.has(end.status))) return "rejected";
  return mayTryAgain(end, tried, policy) ?? "rejected";
}

export function isSuccess({ success }: Pick<Policy, "success">, status: number): boolean {
  for (const pattern of success) {
    if (matchesStatus(pattern, status)) return true;
  }
  return false;
}

/** Undefined: the policy does not repeat such a failure at all. */
function mayTryAgain(end: AttemptEnd, tried: Tried, { retry }: Policy): Verdict | undefined {
  const budget = budgetOf(end, retry);
  if (budget === -1) return undefined;
  return failuresBefore(tried, budget) + 1 < allowance(budget, retry) ? "retry" : "exhausted";
}
