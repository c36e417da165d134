import type { Rate } from "../model/lane.ts";

export interface Reservation {
  /** Epoch milliseconds, with a fraction; the others follow at {@link intervalMs}. */
  readonly firstAt: number;
  /** Where the next reservation may start: to be stored. */
  readonly nextAt: number;
}

/** Start times that were reserved and not used: the first of them, and where the next reservation could start. */
export interface UnusedStarts {
  readonly from: number;
  readonly until: number;
}

/** Times of one reservation are told apart from another's by more than this, in milliseconds. */
const SAME_MS = 0.5;

export function intervalMs(rate: Rate): number {
  return rate.perMs / rate.count;
}

/**
 * The generic cell rate algorithm: start times are evenly spaced, and those that nobody asked for in time are gone but
 * for the last `burst - 1`, which are in the past and may start at once. So no time of any length sees more starts
 * than its intervals and `burst`. `nextAt`: what the last reservation left; undefined before the first.
 */
export function reserveStarts(
  nextAt: number | undefined,
  rate: Rate,
  count: number,
  now: number,
): Reservation {
  const interval = intervalMs(rate);
  const earliest = now - ((rate.burst ?? 1) - 1) * interval;
  const firstAt = Math.max(nextAt ?? earliest, earliest);
  return { firstAt, nextAt: firstAt + count * interval };
}

/** Where the next reservation may start once these are given back; undefined: others follow them, and they are gone. */
export function giveBackStarts(
  nextAt: number | undefined,
  { from, until }: UnusedStarts,
): number | undefined {
  const isLast = nextAt !== undefined && Math.abs(nextAt - until) < SAME_MS;
  return isLast && from < until ? from : undefined;
}
