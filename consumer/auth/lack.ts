import { messageOf } from "../../shared/errors.ts";
import type { Policy } from "../../shared/model/policy.ts";
import type { FetchFailure } from "../../shared/renewable.ts";
import { MissingSecretError } from "../../shared/secrets/secrets.ts";
import { allowance, budgetOf } from "../execute/budget.ts";
import { parseRetryAfter, retryDelayMs } from "../execute/delay.ts";
import type { AttemptEnd } from "../execute/judge.ts";
import { CredentialError } from "./credentials.ts";
import type { Lack } from "./credentials.ts";

/** What no repetition mends is looked at again after this, since somebody may have mended it. */
const FINAL_RETRY_MS = 10_000;

/**
 * What a failed fetch means for calls of a policy. A token endpoint, or a store of secrets, that cannot be reached is
 * treated as their API would be: its calls wait, and use up nothing, for as long as the breaker has patience (without
 * one, for as many fetches as they have attempts); then they fail as `exhausted`. What the policy does not repeat fails
 * at once. Pure.
 */
export function lackOf(failure: FetchFailure, { retry, breaker }: Policy, now: number): Lack {
  const { error, count, since, retryAt } = failure;
  const text = messageOf(error);
  if (error instanceof MissingSecretError) return { kind: "never", reason: "invalid", error: text };
  const end = endOf(error);
  if (end.kind === "blocked") return { kind: "never", reason: "blocked", error: text };
  const budget = budgetOf(end, retry);
  if (budget === -1) return { kind: "never", reason: "rejected", error: text };
  const isUsedUp = count >= allowance(budget, retry);
  const isOver = breaker === null || now - since >= breaker.giveUpMs;
  if (isUsedUp && isOver) {
    const tries = count === 1 ? "one try" : `${count} tries`;
    return { kind: "never", reason: "exhausted", error: `${text} (${tries})` };
  }
  return { kind: "later", at: retryAt, error: text };
}

/** How long after a failure the next fetch waits: as the policy has it for an attempt that ended so. */
export function fetchDelayMs(
  { error, count, at }: Pick<FetchFailure, "error" | "count" | "at">,
  { retry }: Pick<Policy, "retry">,
  random: number,
): number {
  if (error instanceof MissingSecretError) return FINAL_RETRY_MS;
  const budget = budgetOf(endOf(error), retry);
  if (budget === -1) return FINAL_RETRY_MS;
  const header = error instanceof CredentialError ? error.retryAfter : undefined;
  const retryAfterMs = parseRetryAfter(header, at, retry.maxRetryAfterMs);
  const backoff = retry.rules[budget - 1]?.backoff ?? retry.backoff;
  // Not all workers at once, and never at once.
  return Math.max(backoff.firstMs / 2, retryDelayMs(backoff, count, retryAfterMs, random));
}

/** A store of secrets that could not be asked is like a server without an answer. */
function endOf(error: unknown): AttemptEnd {
  return error instanceof CredentialError ? error.end : { kind: "network", sent: false };
}
