import type { Method } from "../../shared/model/call.ts";
import { isUnsafe } from "../../shared/model/call.ts";
import type { Reason } from "../../shared/model/outcome.ts";
import type { Policy } from "../../shared/model/policy.ts";
import { matchesStatus } from "../../shared/model/policy.ts";

/** What one attempt came to, as far as judging it goes. */
export type AttemptEnd =
  | { readonly kind: "answer"; readonly status: number }
  /** `sent`: the request had begun to leave, so the server may have acted on it. */
  | { readonly kind: "network" | "timeout"; readonly sent: boolean }
  /** It could not be put on the wire at all: a header or path that HTTP does not allow. */
  | { readonly kind: "invalid" };

export type Verdict = "succeeded" | "retry" | Reason;

/**
 * Statuses by which a server says that it did not process the request, so that even an unsafe one may be repeated:
 * 408 and 503 (RFC 9110, 15.5.9 and 15.6.4), 425 (RFC 8470, 5.2), 429 (RFC 6585, 4).
 */
const NOT_PROCESSED: ReadonlySet<number> = new Set([408, 425, 429, 503]);

/** Answers of a gateway about a server whose own answer nobody saw (RFC 9110, 15.6.3 and 15.6.5). */
const RESULT_UNSEEN: ReadonlySet<number> = new Set([502, 504]);

/** Judges the end of attempt number `attempt` (from 1, over all deliveries). Pure. */
export function judge(end: AttemptEnd, method: Method, attempt: number, policy: Policy): Verdict {
  const { retry } = policy;
  const guarded = isUnsafe(method) && !retry.unsafe;
  const more: Verdict = attempt < retry.attempts ? "retry" : "exhausted";
  if (end.kind === "invalid") return "invalid";
  if (end.kind !== "answer") {
    if (guarded && end.sent) return "unknown";
    return retry.on.includes(end.kind) ? more : "exhausted";
  }
  for (const pattern of policy.success) {
    if (matchesStatus(pattern, end.status)) return "succeeded";
  }
  if (guarded && RESULT_UNSEEN.has(end.status)) return "unknown";
  if (!retry.on.includes(end.status)) return "rejected";
  return guarded && !NOT_PROCESSED.has(end.status) ? "rejected" : more;
}
