import type { BreakerPolicy, Policy } from "../../shared/model/policy.ts";
import { matchesStatus } from "../../shared/model/policy.ts";
import type { Attempt } from "../execute/attempt.ts";
import { parseRetryAfter } from "../execute/delay.ts";

/** A pause that no server asked for is no shorter. */
const MIN_PAUSE_MS = 10;

/**
 * What the end of an attempt says of its destination.
 *
 * - `good`: it answers, whatever it thinks of the call
 * - `failed`: no answer, or a 5xx that is no refusal
 * - `slow`: no answer in time; a failure too
 * - `busy`: it refuses, and does not say for how long: a 503 without Retry-After
 * - `closed`: it refuses this and what follows: a 429, or a 503 with Retry-After
 * - `none`: nothing; the call could not, or may not, be put on the wire
 */
export type Sign = "good" | "failed" | "slow" | "busy" | "closed" | "none";

/** Anything but a plain answer: worth a closer look where nothing is known of the destination. */
export function mayBeTrouble({ end }: Attempt): boolean {
  return end === null || end.kind !== "answer" || end.status === 429 || end.status >= 500;
}

export function readSign({ end, retryAfter }: Attempt, policy: Policy, now: number): Sign {
  if (end === null || end.kind === "invalid" || end.kind === "blocked") return "none";
  if (end.kind === "timeout") return "slow";
  if (end.kind !== "answer") return "failed";
  const { status } = end;
  if (status !== 429 && status < 500) return "good";
  // The plan knows better.
  if (policy.success.some((pattern) => matchesStatus(pattern, status))) return "good";
  if (status === 429) return "closed";
  if (status !== 503) return "failed";
  // A Retry-After of 0 says that the server does not know.
  const waitMs = parseRetryAfter(retryAfter, now, policy.retry.maxRetryAfterMs) ?? 0;
  return waitMs > 0 ? "closed" : "busy";
}

const CODE = /\b(?:E[A-Z]{3,}|UND_ERR_\w+)\b/;

/** In a word or two: `ECONNREFUSED`, `HTTP 500`, `no answer`. */
export function nameFailure({ end, error }: Attempt): string {
  if (end?.kind === "answer") return `HTTP ${end.status}`;
  return (
    CODE.exec(error ?? "")?.[0] ?? (end?.kind === "timeout" ? "no answer in time" : "no answer")
  );
}

/** When an attempt started, by the clock that coordination goes by. */
export function startOf(attempt: Attempt, now: number): number {
  // That has whole milliseconds, rounded down: a probe must not seem to have started before it was asked for.
  return now + 1 - (performance.now() - attempt.startedAt);
}

/**
 * How long a destination is left alone that does not say for how long: half a round trip (`latencyMs`; 0: not known),
 * so that what is in flight thins out, and the first backoff at the most.
 */
export function pausesAfter(
  attempt: Attempt,
  latencyMs: number,
  { retry: { backoff } }: Policy,
): Pick<BreakerPolicy, "pauseMs" | "maxPauseMs"> {
  const roundTripMs = latencyMs === 0 ? attempt.latencyMs : latencyMs;
  const pauseMs = Math.min(backoff.firstMs, Math.max(MIN_PAUSE_MS, roundTripMs / 2));
  return { pauseMs, maxPauseMs: Math.max(pauseMs, backoff.maxMs) };
}
