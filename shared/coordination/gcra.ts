import type { Rate } from "../model/lane.ts";

export interface Reservation {
  /** Epoch milliseconds, with a fraction; the others follow at {@link intervalMs}. */
  readonly firstAt: number;
  /** Where the next reservation may start: to be stored. */
  readonly nextAt: number;
}

export function intervalMs(rate: Rate): number {
  return rate.perMs / rate.count;
}

/**
 * The generic cell rate algorithm without a burst: start times are evenly spaced, and those that nobody asked for in
 * time are gone, never made up for. `nextAt`: what the last reservation left; undefined before the first.
 */
export function reserveStarts(
  nextAt: number | undefined,
  rate: Rate,
  count: number,
  now: number,
): Reservation {
  const firstAt = Math.max(nextAt ?? now, now);
  return { firstAt, nextAt: firstAt + count * intervalMs(rate) };
}
