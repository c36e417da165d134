/** How fast a run goes at this moment: from the last seconds, because the first ones say little later on. Pure. */

/** How many calls were done when; newest last. */
export type RateHistory = readonly RateSample[];

export interface RateSample {
  readonly elapsedMs: number;
  readonly done: number;
}

/** What "at this moment" means. */
const WINDOW_MS = 8_000;
/** Closer samples are not worth their memory. */
const SPACING_MS = 250;
/** Before so much of the run has been seen, a rate would be a guess. */
const ENOUGH_MS = 1_000;

/** The history with one more sample and without what is too old. */
export function addSample(history: RateHistory, sample: RateSample): RateHistory {
  const beforeLast = history.at(-2);
  // The newest sample is always kept; the one before it only if it stands far enough from its own predecessor.
  const settled =
    beforeLast !== undefined && history.at(-1)!.elapsedMs - beforeLast.elapsedMs < SPACING_MS
      ? history.slice(0, -1)
      : history;
  const since = sample.elapsedMs - WINDOW_MS;
  const firstInside = settled.findIndex((each) => each.elapsedMs >= since);
  return [...(firstInside < 0 ? [] : settled.slice(firstInside)), sample];
}

/** Calls done per second; undefined while too little was seen to say. */
export function recentRate(history: RateHistory): number | undefined {
  const first = history[0];
  const last = history.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const spanMs = last.elapsedMs - first.elapsedMs;
  if (spanMs < ENOUGH_MS) return undefined;
  return (Math.max(0, last.done - first.done) / spanMs) * 1000;
}

/** Undefined where the rate says nothing about it: unknown, or nothing done lately. */
export function timeLeftMs(history: RateHistory, pending: number): number | undefined {
  const rate = recentRate(history);
  return rate === undefined || rate === 0 ? undefined : (pending / rate) * 1000;
}
