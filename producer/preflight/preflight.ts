import type { Ledger } from "../../shared/ledger/ledger.ts";
import type { GivenLanes } from "../plan/merge-lanes.ts";
import type { Plan } from "../plan/plan.ts";
import { surveyPlan } from "../plan/survey.ts";
import type { Survey } from "../plan/survey.ts";
import { findBlocked } from "./blocked.ts";
import type { BlockedOrigin } from "./blocked.ts";
import { firstCalls, toCurl } from "./curl.ts";
import type { CurlLine } from "./curl.ts";
import { costPlan, deployLanes } from "./deployed.ts";
import type { Cost, CostPlace } from "./deployed.ts";
import { forecast } from "./forecast.ts";
import type { Forecast } from "./forecast.ts";
import { readLatencies } from "./latencies.ts";
import type { KnownLatency } from "./latencies.ts";
import { findQuotas } from "./quotas.ts";
import type { Finding } from "./quotas.ts";

/**
 * What a run would take, before it is begun.
 *
 * In: a plan, and what is known of earlier calls. Out: counts, an expected duration and what it rests on, cost on AWS,
 * settings that would bite, the first calls. Makes no call, sends and records nothing.
 */
export interface Preflight {
  readonly survey: Survey;
  readonly forecast: Forecast;
  readonly cost: Cost;
  readonly findings: readonly Finding[];
  /** Calls that would not be made. */
  readonly blocked: readonly BlockedOrigin[];
  readonly first: readonly CurlLine[];
}

export interface PreflightOptions extends CostPlace {
  readonly plan: Plan;
  readonly given: GivenLanes | undefined;
  /** Reads a ledger, where there is one. */
  readonly readLedger: (
    read: (ledger: Ledger) => Promise<ReadonlyMap<string, KnownLatency>>,
  ) => Promise<ReadonlyMap<string, KnownLatency> | undefined>;
  /** Of one attempt, as the person says. */
  readonly latencyMs: number | undefined;
  /** Calls that are shown as curl lines. */
  readonly shown: number;
  readonly onProgress: (calls: number) => void;
}

export async function preflight(options: PreflightOptions): Promise<Preflight> {
  const { plan, given, latencyMs } = options;
  const survey = await surveyPlan(plan, options.onProgress);
  const known =
    (await options.readLedger((ledger) => readLatencies(ledger, survey))) ??
    new Map<string, KnownLatency>();
  const told = forecast({ survey, known, givenMs: latencyMs });
  const lanes = deployLanes(survey, told, given);
  const first = await firstCalls(plan, options.shown);
  return {
    survey,
    forecast: told,
    cost: costPlan(lanes, told, options),
    findings: findQuotas(survey, lanes, told),
    blocked: findBlocked(survey, plan.policy.allow),
    first: first.map(({ call, lane, headers }) => ({
      id: call.id,
      lane,
      curl: toCurl(call, headers),
    })),
  };
}
