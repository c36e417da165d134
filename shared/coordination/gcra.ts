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
