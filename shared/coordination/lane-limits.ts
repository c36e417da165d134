import type { Rate } from "../model/lane.ts";
import type { LaneLimit } from "./coordination.ts";
import { intervalMs } from "./gcra.ts";

/** One limit a lane, in the order the lanes first stand: the smallest concurrency and the slowest rate that any claims. */
export function tightestLimits(claims: Iterable<LaneLimit>): LaneLimit[] {
  const limits = new Map<string, LaneLimit>();
  for (const claim of claims) {
    const other = limits.get(claim.lane);
    limits.set(claim.lane, other === undefined ? claim : tighter(other, claim));
  }
  return [...limits.values()];
}

function tighter(one: LaneLimit, other: LaneLimit): LaneLimit {
  const rate = slower(one.rate, other.rate);
  return {
    lane: one.lane,
    concurrency: Math.min(one.concurrency, other.concurrency),
    ...(rate && { rate }),
  };
}

function slower(one: Rate | undefined, other: Rate | undefined): Rate | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return intervalMs(one) >= intervalMs(other) ? one : other;
}
