import { MAX_ATTEMPT_SHARE, MAX_RESERVE_MS } from "../../shared/lambda/function-time.ts";

/**
 * How a function divides its time. Pure.
 *
 * At its end a reserve is for telling: outcomes, letters and calls put back leave in it. Before that no attempt starts
 * that would not have its whole timeout; but where a timeout takes more than its share of the function's time, such a
 * call would never be made, so it starts all the same, early on, and is given up when the time ends.
 */

/** Of the time at hand, between these. A busy machine and a broker across the network take their time. */
const RESERVE_SHARE = 0.15;
const MIN_RESERVE_MS = 300;

/** An unsafe call that is given up ends as unknown: it gets more. */
const MAX_UNSAFE_SHARE = 0.75;

/** Milliseconds kept for telling, of `leftMs` until Lambda ends the function. */
export function reserveMs(leftMs: number): number {
  return Math.min(MAX_RESERVE_MS, Math.max(MIN_RESERVE_MS, leftMs * RESERVE_SHARE));
}

/** Milliseconds that must be left of `workMs`, the whole working time, for an attempt to be started. */
export function neededMs(timeoutMs: number, unsafe: boolean, workMs: number): number {
  return Math.min(timeoutMs, workMs * (unsafe ? MAX_UNSAFE_SHARE : MAX_ATTEMPT_SHARE));
}
