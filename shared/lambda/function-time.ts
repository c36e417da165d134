/** How a function's time suffices for calls: what the worker in it and the configuration agree on. */

/** Most of the working time that a call may ask for; one with a longer timeout may be given up before it. */
export const MAX_ATTEMPT_SHARE = 0.6;

/** Kept for telling at the end of a function's time, at the most. */
export const MAX_RESERVE_MS = 2_000;

/** The least time of a function in which no attempt with this timeout is given up before it. */
export function leastFunctionMs(timeoutMs: number): number {
  return Math.ceil(timeoutMs / MAX_ATTEMPT_SHARE) + MAX_RESERVE_MS;
}
