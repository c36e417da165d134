import { TOTAL } from "../model/lane.ts";
import type { Lane, Total } from "../model/lane.ts";
import type { LaneLimit } from "./coordination.ts";

/** What is claimed in coordination: the limits of lanes, and the cap over all of them where there is one. */
export function claimedLimits({
  lanes,
  total,
}: {
  readonly lanes: readonly Lane[];
  readonly total?: Total;
}): LaneLimit[] {
  const limits = lanes.map(({ name: lane, concurrency, minConcurrency, rate }): LaneLimit => ({
    lane,
    concurrency,
    ...(minConcurrency === undefined ? {} : { minConcurrency }),
    ...(rate === undefined ? {} : { rate }),
  }));
  if (total === undefined) return limits;
  const { concurrency = Infinity, rate } = total;
  return [...limits, { lane: TOTAL, concurrency, ...(rate === undefined ? {} : { rate }) }];
}
