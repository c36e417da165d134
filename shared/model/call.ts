import type { Claim } from "./claim.ts";

/** One intended HTTP request, as it travels in a message. */
export interface Call {
  /** Stable within its run: what the plan says, or a hash of method, URL, headers and body. */
  readonly id: string;
  /** Absolute http: or https: URL. May hold `${env:NAME}`, resolved in the worker. */
  readonly url: string;
  /** Absent: GET. */
  readonly method?: Method;
  /** The call's own headers, laid over the policy's. Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Body as text, sent as it is. */
  readonly body?: string;
  /** Body as JSON text already serialised; sent with `content-type: application/json` unless the headers say otherwise. */
  readonly json?: string;
  /** One attempt's time in milliseconds, when it differs from the policy's. */
  readonly timeoutMs?: number;
  /** The Idempotency-Key to send, when it is not the one derived from run and id (a replay of an `unknown` call). */
  readonly key?: string;
  /** Attempts made before this message was sent; absent: none. */
  readonly attempts?: number;
  /** When the first attempt started, epoch milliseconds; with `attempts` only. */
  readonly startedAt?: number;
  /**
   * Failures so far by budget, with `attempts` only: the first is the policy's own, `i + 1` that of its `rules[i]`; what
   * is not there is 0. Absent: all attempts failed on the policy's own.
   */
  readonly failures?: readonly number[];
  /** Too large for a message: URL in full, headers and body lie in the claim store. */
  readonly claim?: Claim;
}

export const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;
export type Method = (typeof METHODS)[number];

/** Methods that may not be repeated after an unknown result, unless the plan says so (RFC 9110, 9.2.2). */
export function isUnsafe(method: Method): boolean {
  return method === "POST" || method === "PATCH";
}
