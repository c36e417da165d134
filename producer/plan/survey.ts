import type { Rate, Total } from "../../shared/model/lane.ts";
import { Tally } from "./tally.ts";
import { leastMsOf } from "./duration.ts";
import type { Pacing } from "./duration.ts";
import type { LaneOrigin } from "./merge-lanes.ts";
import type { Plan } from "./plan.ts";

/** What a run of the plan would come to, without doing any of it. */
export interface Survey {
  readonly name: string;
  readonly calls: number;
  /** Rows that are no call. */
  readonly invalid: number;
  readonly firstInvalid: string | null;
  readonly messages: number;
  readonly bytes: number;
  /** Least milliseconds that the rates allow; null where there is none, and only the APIs' latency decides. */
  readonly leastMs: number | null;
  /** From the first publishing until no further attempt starts. */
  readonly deadlineMs: number;
  readonly lanes: readonly LaneSurvey[];
  /** The cap over all lanes; null: none. */
  readonly total: TotalSurvey | null;
}

interface Rated {
  /** Calls a second; null: no rate. */
  readonly ratePerSecond: number | null;
  /** Starts that may come at once; null: no rate. */
  readonly burst: number | null;
  readonly leastMs: number | null;
}

export interface LaneSurvey extends Pacing, Rated {
  readonly lane: string;
  readonly leastMs: number | null;
  readonly messages: number;
  readonly bytes: number;
  readonly concurrency: number;
  /** Of a lane that adapts; null of others. */
  readonly minConcurrency: number | null;
  /** Who says so: the plan, the configuration, both, or nobody. */
  readonly from: LaneOrigin;
  /** POST and PATCH. */
  readonly unsafe: number;
  /** Calls too large for a message, which leave their body in the claim store, and the bytes of those. */
  readonly claims: number;
  readonly claimBytes: number;
  /** The longest that one attempt of any call may take. */
  readonly timeoutMs: number;
  /** Origins that its calls go to, those with most first; beyond a thousand, not all. */
  readonly origins: readonly OriginSurvey[];
}

export interface OriginSurvey {
  readonly origin: string;
  readonly calls: number;
}

export interface TotalSurvey extends Pacing, Rated {
  readonly leastMs: number | null;
}

/** Reads the plan to its end and packs it as a run would; publishes nothing. */
export async function surveyPlan(plan: Plan, onProgress: (calls: number) => void): Promise<Survey> {
  const tallies = new Map(plan.lanes.map((lane) => [lane.name, new Tally(plan, lane)]));
  let calls = 0;
  let invalid = 0;
  let firstInvalid: string | null = null;
  for await (const entries of plan.entries()) {
    for (const entry of entries) {
      calls++;
      const why =
        "invalid" in entry ? entry.invalid.error : tallyOf(tallies, entry.lane).add(entry);
      if (why === undefined) continue;
      invalid++;
      firstInvalid ??= why;
    }
    onProgress(calls);
  }
  const lanes = [...tallies.values()]
    .filter((tally) => tally.calls > 0)
    .map((tally) => surveyLane(tally, plan.laneOrigins?.[tally.lane.name] ?? "plan"));
  const inLanes = lanes.reduce((sum, lane) => sum + lane.calls, 0);
  const total = plan.total === undefined ? null : surveyTotal(plan.total, inLanes);
  const least = [...lanes, ...(total === null ? [] : [total])]
    .map(({ leastMs }) => leastMs)
    .filter((ms) => ms !== null);
  return {
    name: plan.name,
    calls,
    invalid,
    firstInvalid,
    messages: lanes.reduce((sum, lane) => sum + lane.messages, 0),
    bytes: lanes.reduce((sum, lane) => sum + lane.bytes, 0),
    leastMs: least.length === 0 ? null : Math.max(...least),
    deadlineMs: plan.deadlineMs,
    lanes,
    total,
  };
}

function tallyOf(tallies: ReadonlyMap<string, Tally>, lane: string): Tally {
  const tally = tallies.get(lane);
  if (tally === undefined) throw new Error(`lane ${lane} is not among the plan's lanes`);
  return tally;
}

function surveyLane(tally: Tally, from: LaneOrigin): LaneSurvey {
  const { lane, calls, unsafe, claims, claimBytes, timeoutMs, origins } = tally;
  return {
    lane: lane.name,
    calls,
    ...tally.finish(),
    concurrency: lane.concurrency,
    minConcurrency: lane.minConcurrency ?? null,
    from,
    ...surveyRate(lane.rate, calls),
    unsafe,
    claims,
    claimBytes,
    timeoutMs,
    origins,
  };
}

function surveyTotal({ concurrency, rate }: Total, calls: number): TotalSurvey {
  return { calls, concurrency: concurrency ?? null, ...surveyRate(rate, calls) };
}

function surveyRate(rate: Rate | undefined, calls: number): Rated {
  if (rate === undefined) return { ratePerSecond: null, burst: null, leastMs: null };
  return {
    ratePerSecond: (rate.count / rate.perMs) * 1000,
    burst: rate.burst ?? 1,
    leastMs: leastMsOf(rate, calls),
  };
}
