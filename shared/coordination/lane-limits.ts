import type { Rate } from "../model/lane.ts";
import type { LaneLimit } from "./coordination.ts";
import { intervalMs } from "./gcra.ts";

/**
 * One limit a lane, in the order the lanes first stand: the smallest concurrency and the slowest rate that any claims.
 *
 * A lane adapts only while all who claim it say so. Who gives a fixed number knows what the server takes: their calls
 * need not begin at another's minimum, the smaller concurrency still holds for both, and a refusal narrows it anyway.
 */
export function tightestLimits(claims: Iterable<LaneLimit>): LaneLimit[] {
  const limits = new Map<string, LaneLimit>();
  for (const claim of claims) {
    const other = limits.get(claim.lane);
    limits.set(claim.lane, tighter(claim, other ?? claim));
  }
  return [...limits.values()];
}

function tighter(one: LaneLimit, other: LaneLimit): LaneLimit {
  const rate = slower(one.rate, other.rate);
  const concurrency = Math.min(one.concurrency, other.concurrency);
  const adapts = one.minConcurrency !== undefined && other.minConcurrency !== undefined;
  return {
    lane: one.lane,
    concurrency,
    ...(adapts && {
      minConcurrency: Math.min(one.minConcurrency, other.minConcurrency, concurrency),
    }),
    ...(rate && { rate }),
  };
}

/** The slower one with its burst; of two alike, the one with the smaller burst. A burst of 1 is none. */
function slower(one: Rate | undefined, other: Rate | undefined): Rate | undefined {
  if (one === undefined || other === undefined) return plain(one ?? other);
  const difference =
    intervalMs(one) - intervalMs(other) ||
    (other.burst ?? 1) - (one.burst ?? 1) ||
    // `60/m` and `1/s`: whichever comes first.
    other.perMs - one.perMs;
  return plain(difference >= 0 ? one : other);
}

function plain(rate: Rate | undefined): Rate | undefined {
  if (rate?.burst !== 1) return rate;
  const { count, perMs } = rate;
  return { count, perMs };
}
