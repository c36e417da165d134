import type { Backoff } from "../../shared/model/policy.ts";

/**
 * How long to wait after failure number `failure` (from 1) of its kind, in milliseconds. Pure.
 * `random` is in [0, 1). A Retry-After is a lower bound, spread over a little more so that waiters do not return at once;
 * a Retry-After of 0 does not switch the backoff off.
 */
export function retryDelayMs(
  backoff: Backoff,
  failure: number,
  retryAfterMs: number | undefined,
  random: number,
): number {
  const grown = Math.min(backoff.maxMs, backoff.firstMs * backoff.factor ** (failure - 1));
  const wait = backoff.jitter === "full" ? grown * random : grown;
  if (retryAfterMs === undefined) return wait;
  return Math.max(wait, retryAfterMs + backoff.firstMs * random);
}

/**
 * Milliseconds that a Retry-After header asks for (RFC 9110, 10.2.3), at most `maxMs`: seconds or a date; undefined when
 * it says neither.
 */
export function parseRetryAfter(
  header: string | undefined,
  now: number,
  maxMs: number,
): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, maxMs);
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.min(Math.max(0, at - now), maxMs);
}
