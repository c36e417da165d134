import { DEFAULT_REGION, PRICED_REGIONS, pricesOf } from "../../shared/cost/prices.ts";
import type { Prices } from "../../shared/cost/prices.ts";
import type { CostItem } from "../../shared/cost/bill.ts";
import { costRun } from "../../shared/cost/run-cost.ts";
import type { LaneConfig } from "../../shared/config/config.ts";
import { laneSchema } from "../../shared/config/lane-schema.ts";
import { SenpuError } from "../../shared/errors.ts";
import type { GivenLanes } from "../plan/merge-lanes.ts";
import type { LaneSurvey, Survey } from "../plan/survey.ts";
import type { Forecast, LaneForecast } from "./forecast.ts";

/** A plan's lanes as they are deployed: with the worker, the queue and the times that the configuration gives them. */
export interface DeployedLane {
  readonly survey: LaneSurvey;
  readonly forecast: LaneForecast;
  readonly config: LaneConfig;
  /** False: the configuration does not have it; it is taken as one that says no more than its name. */
  readonly isDeclared: boolean;
}

export function deployLanes(
  survey: Survey,
  { lanes }: Forecast,
  given: GivenLanes | undefined,
): DeployedLane[] {
  const declared = given === undefined || given.kind === "begun" ? [] : given.config.lanes;
  return survey.lanes.map((lane, index) => {
    const config = declared.find(({ name }) => name === lane.lane);
    return {
      survey: lane,
      forecast: lanes[index] as LaneForecast,
      config: config ?? { ...laneSchema.parse({ concurrency: lane.concurrency }), name: lane.lane },
      isDeclared: config !== undefined,
    };
  });
}

export interface Cost {
  readonly region: string;
  readonly items: readonly CostItem[];
}

/** What the run would cost where the lanes are deployed, with a ledger. */
export function costPlan(
  lanes: readonly DeployedLane[],
  { durationMs }: Forecast,
  region: string,
  prices: Prices,
): Cost {
  const volumes = lanes.map(({ survey, forecast, config }) => ({
    lane: survey.lane,
    worker: config.worker,
    calls: survey.calls,
    attempts: forecast.attempts,
    messages: survey.messages,
    bytes: survey.bytes,
    unsafe: survey.unsafe,
    claims: survey.claims,
    claimBytes: survey.claimBytes,
    durationMs: forecast.durationMs,
    hasRate: survey.ratePerSecond !== null,
  }));
  return { region, items: costRun({ durationMs, lanes: volumes, isRecorded: true }, prices) };
}

/** Of `--region`. Throws SenpuError `usage` for a region without prices. */
export function readRegion(option: string | undefined): {
  readonly region: string;
  readonly prices: Prices;
} {
  const region = option ?? DEFAULT_REGION;
  const prices = pricesOf(region);
  if (prices !== undefined) return { region, prices };
  throw new SenpuError(
    "usage",
    `--region ${region}: shared/cost/prices.ts has no prices of it; it has ${PRICED_REGIONS.join(" and ")}`,
  );
}
