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
}

interface RetryPolicy {
  /** Tries in all, the first included; at least 1. */
  readonly attempts: number;
  readonly backoff: Backoff;
  /** Status codes, and the two kinds of missing answer, that are tried again. */
  readonly on: readonly (number | "network" | "timeout")[];
  /** Repeat POST and PATCH after an unknown result? */
  readonly unsafe: boolean;
}

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
