import { CHUNK_MAX_BYTES } from "../../shared/limits.ts";
import type { Lane, Rate, Total } from "../../shared/model/lane.ts";
import { chunkCalls } from "../publish/chunk-size.ts";
import { lanePolicy } from "../publish/lane-policy.ts";
import { Packer } from "../publish/pack.ts";
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
  readonly lanes: readonly LaneSurvey[];
  /** The cap over all lanes; null: none. */
  readonly total: TotalSurvey | null;
}

interface Pacing {
  readonly calls: number;
  /** Calls a second; null: no rate. */
  readonly ratePerSecond: number | null;
  /** Starts that may come at once; null: no rate. */
  readonly burst: number | null;
  /** Least milliseconds that the rate allows; null: no rate. */
  readonly leastMs: number | null;
}

export interface LaneSurvey extends Pacing {
  readonly lane: string;
  readonly messages: number;
  readonly bytes: number;
  readonly concurrency: number;
  /** Of a lane that adapts; null of others. */
  readonly minConcurrency: number | null;
  /** Who says so: the plan, the configuration, both, or nobody. */
  readonly from: LaneOrigin;
}

export interface TotalSurvey extends Pacing {
  /** Null: no limit but the lanes' own. */
  readonly concurrency: number | null;
}

interface Count {
  readonly lane: Lane;
  readonly packer: Packer;
  calls: number;
  messages: number;
  bytes: number;
}

/** Reads the plan to its end and packs it as a run would; publishes nothing. */
export async function surveyPlan(plan: Plan, onProgress: (calls: number) => void): Promise<Survey> {
  const policy = { ...plan.policy, deadlineAt: Date.now() + plan.deadlineMs };
  const counts = new Map<string, Count>();
  for (const lane of plan.lanes) {
    const frame = {
      run: "0".repeat(22),
      generation: 1,
      lane: lane.name,
      policy: lanePolicy(policy, lane),
    };
    const packer = new Packer(frame, () => "0");
    counts.set(lane.name, { lane, packer, calls: 0, messages: 0, bytes: 0 });
  }
  let calls = 0;
  let firstInvalid: string | null = null;
  let invalid = 0;
  const reject = (why: string): void => {
    invalid++;
    firstInvalid ??= why;
  };
  for await (const entries of plan.entries()) {
    for (const entry of entries) {
      calls++;
      if ("invalid" in entry) {
        reject(entry.invalid.error);
        continue;
      }
      const count = counts.get(entry.lane);
      if (count === undefined) throw new Error(`lane ${entry.lane} is not among the plan's lanes`);
      const chunk = count.packer.add(entry.call, chunkCalls(count.calls, count.lane));
      count.calls++;
      if (chunk === "too large") {
        reject(`call ${entry.call.id} is larger than ${CHUNK_MAX_BYTES} bytes`);
      } else if (chunk !== undefined) note(count, chunk.bytes);
    }
    onProgress(calls);
  }
  for (const count of counts.values()) {
    const rest = count.packer.take();
    if (rest !== undefined) note(count, rest.bytes);
  }
  const lanes = [...counts.values()]
    .filter((count) => count.calls > 0)
    .map((count) => surveyLane(count, plan.laneOrigins?.[count.lane.name] ?? "plan"));
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
    lanes,
    total,
  };
}

function note(count: Count, bytes: number): void {
  count.messages++;
  count.bytes += bytes;
}

function surveyLane({ lane, calls, messages, bytes }: Count, from: LaneOrigin): LaneSurvey {
  return {
    lane: lane.name,
    messages,
    bytes,
    concurrency: lane.concurrency,
    minConcurrency: lane.minConcurrency ?? null,
    from,
    ...surveyRate(lane.rate, calls),
  };
}

function surveyTotal({ concurrency, rate }: Total, calls: number): TotalSurvey {
  return { concurrency: concurrency ?? null, ...surveyRate(rate, calls) };
}

function surveyRate(rate: Rate | undefined, calls: number): Pacing {
  if (rate === undefined) return { calls, ratePerSecond: null, burst: null, leastMs: null };
  const { burst = 1 } = rate;
  // The burst starts at once; without one, the first call does.
  const leastMs = Math.round((Math.max(0, calls - burst) * rate.perMs) / rate.count);
  return { calls, ratePerSecond: (rate.count / rate.perMs) * 1000, burst, leastMs };
}

/**
 * How long a lane, or all of them under their total, take where each call takes `latencyMs`, one attempt each. A lane
 * that adapts is taken at the most that it may have in flight.
 */
export function durationMs(
  { calls, concurrency, leastMs }: Pick<TotalSurvey, "calls" | "concurrency" | "leastMs">,
  latencyMs: number,
): number {
  const bySlots = concurrency === null ? 0 : Math.ceil(calls / concurrency) * latencyMs;
  return Math.max(bySlots, (leastMs ?? 0) + latencyMs);
}

/** How long the whole run takes: lanes run side by side, within their total. */
export function runDurationMs({ lanes, total }: Survey, latencyMs: number): number {
  const parts = total === null ? lanes : [...lanes, total];
  return Math.max(0, ...parts.map((part) => durationMs(part, latencyMs)));
}
