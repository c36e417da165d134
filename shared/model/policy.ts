import type { AuthPolicy } from "./auth.ts";
import type { Trace } from "./trace.ts";
import type { AnswerPolicy } from "./answer-policy.ts";

/** How a run's calls are made and judged. Travels in each message, so that a worker needs nothing but the message. */
export interface Policy {
  /** One attempt, from its start to the last byte of the answer, in milliseconds. */
  readonly timeoutMs: number;
  /** No attempt starts after this, epoch milliseconds. */
  readonly deadlineAt: number;
  readonly retry: RetryPolicy;
  /** What counts as succeeded. */
  readonly success: readonly StatusPattern[];
  /** Redirects followed for GET and HEAD. */
  readonly redirects: number;
  /** Sent with every call, under its own. Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Internal hosts and CIDR ranges that this run is meant to call. */
  readonly allow: readonly string[];
  /** When a destination that keeps failing is left alone; null: never. */
  readonly breaker: BreakerPolicy | null;
  /**
   * How the calls of the message's lane prove who makes them; absent: not at all. A worker of before there was `auth`
   * makes them without, and they fail by what the API says to that: so workers are updated before plans use it.
   */
  readonly auth?: AuthPolicy;
  /** URL of the proxy that they go through, which may hold references; `none`: none, whatever the worker's environment says. */
  readonly proxy?: string;
  /** Absent: calls carry no `traceparent`. A worker that does not know of it makes them without. */
  readonly trace?: Trace;
  /** Absent: answers are judged by their status, and not kept. */
  readonly answers?: AnswerPolicy;
}

export interface RetryPolicy {
  /** Tries in all, the first included; at least 1. */
  readonly attempts: number;
  readonly backoff: Backoff;
  /** What is tried again. */
  readonly on: readonly RetryCause[];
  /** Kinds of failure with a budget and a backoff of their own; the first that names a failure holds. */
  readonly rules: readonly RetryRule[];
  /** The longest Retry-After that is believed. */
  readonly maxRetryAfterMs: number;
  /** Repeat POST and PATCH after an unknown result? */
  readonly unsafe: boolean;
}

/**
 * A status, or a kind of missing answer; `network` is any but a timeout: `refused`, `reset` and `dns` are among it.
 * `expect`: an answer whose status says success, and whose body is not what was expected, or cannot be read.
 */
export type RetryCause = number | "network" | "refused" | "reset" | "dns" | "timeout" | "expect";

export interface RetryRule {
  readonly on: readonly RetryCause[];
  /** Failures of these kinds, together, with which a call is exhausted; null: none within the deadline. Others count apart. */
  readonly attempts: number | null;
  /** Absent: the policy's. Counts failures of these kinds only. */
  readonly backoff?: Backoff;
}

/** A destination opens its breaker when of at least `minimum` attempts in `windowMs` the `share` has failed. */
export interface BreakerPolicy {
  /** 0–1 */
  readonly share: number;
  readonly minimum: number;
  readonly windowMs: number;
  /** How long it is left alone before a probe; doubles with each probe that fails, up to `maxPauseMs`. */
  readonly pauseMs: number;
  readonly maxPauseMs: number;
  /** After so long without one good answer, calls use up their attempts as if there were no breaker. */
  readonly giveUpMs: number;
}

export const DEFAULT_MAX_RETRY_AFTER_MS = 3_600_000;

export const DEFAULT_BREAKER: BreakerPolicy = {
  share: 0.9,
  minimum: 50,
  windowMs: 10_000,
  pauseMs: 5_000,
  maxPauseMs: 60_000,
  giveUpMs: 900_000,
};

export interface Backoff {
  readonly firstMs: number;
  readonly factor: number;
  readonly maxMs: number;
  /** `full`: uniformly between 0 and the computed delay; `none`: the computed delay. */
  readonly jitter: "full" | "none";
}

/** A status (`204`) or a class of them (`2xx`). */
export type StatusPattern = number | `${1 | 2 | 3 | 4 | 5}xx`;

export function matchesStatus(pattern: StatusPattern, status: number): boolean {
  return typeof pattern === "number"
    ? pattern === status
    : pattern.charCodeAt(0) - 48 === Math.trunc(status / 100);
}
