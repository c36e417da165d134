import type { Rate } from "../../shared/model/lane.ts";

/** How long calls take under their limits. Pure. */

/** Workers aim so far below a rate (`consumer/receive/pacer.ts`), which shows once a run is long. */
const RATE_SHARE = 0.985;

/** What holds back a lane, or all lanes together. */
export interface Pacing {
  readonly calls: number;
  /** Calls in flight at the most; null: no limit of its own. */
  readonly concurrency: number | null;
  /** Least milliseconds that the rate allows; null: no rate. */
  readonly leastMs: number | null;
}

/** The least time that a rate gives so many calls: the burst starts at once; without one, the first call does. */
export function leastMsOf({ count, perMs, burst = 1 }: Rate, calls: number): number {
  return Math.round((Math.max(0, calls - burst) * perMs) / count);
}

/**
 * How long a lane, or all of them under their total, take where each call takes `latencyMs` in all its attempts. A lane
 * that adapts is taken at the most that it may have in flight.
 */
export function durationMs({ calls, concurrency, leastMs }: Pacing, latencyMs: number): number {
  if (calls === 0) return 0;
  const bySlots = concurrency === null ? 0 : Math.ceil(calls / concurrency) * latencyMs;
  return Math.max(bySlots, (leastMs ?? 0) / RATE_SHARE + latencyMs);
}
