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
  readonly config: Omit<LaneConfig, "name">;
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
    const told = declared.find(({ name }) => name === lane.lane);
    return {
      survey: lane,
      forecast: lanes[index] as LaneForecast,
      config: told ?? laneSchema.parse({ concurrency: lane.concurrency }),
      isDeclared: told !== undefined,
    };
  });
}

/** Where a run is to be. */
export interface CostPlace {
  readonly region: string;
  readonly prices: Prices;
  /** Does a ledger record it? */
  readonly hasLedger: boolean;
}

export interface Cost {
  readonly region: string;
  readonly hasLedger: boolean;
  readonly items: readonly CostItem[];
}

/** What the run would cost where the lanes are deployed. */
export function costPlan(
  lanes: readonly DeployedLane[],
  { durationMs }: Forecast,
  { region, prices, hasLedger }: CostPlace,
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
  const items = costRun({ durationMs, lanes: volumes, isRecorded: hasLedger }, prices);
  return { region, hasLedger, items };
}

/** Of `--region`, or the deployment's. Throws SenpuError `usage` for a region without prices. */
export function readRegion(
  option: string | undefined,
  deployed: string | undefined,
): { readonly region: string; readonly prices: Prices } {
  const region = option ?? deployed ?? DEFAULT_REGION;
  const prices = pricesOf(region);
  if (prices !== undefined) return { region, prices };
  throw new SenpuError(
    "usage",
    `region ${region}: shared/cost/prices.ts has no prices of it; it has ${PRICED_REGIONS.join(" and ")}`,
  );
}
