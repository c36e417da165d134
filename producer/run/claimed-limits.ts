import type { LaneLimit } from "../../shared/coordination/coordination.ts";
import { TOTAL } from "../../shared/model/lane.ts";
import type { Plan } from "../plan/plan.ts";

/** What a run claims in coordination: the limits of its lanes, and the cap over all of them where the plan has one. */
export function claimedLimits({ lanes, total }: Pick<Plan, "lanes" | "total">): LaneLimit[] {
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
