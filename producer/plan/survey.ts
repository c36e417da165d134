import { CHUNK_MAX_BYTES } from "../../shared/limits.ts";
import type { Lane } from "../../shared/model/lane.ts";
import { chunkCalls } from "../publish/chunk-size.ts";
import { Packer } from "../publish/pack.ts";
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
  /** Least milliseconds that the lanes' rates allow; null where no lane has one, and only the APIs' latency decides. */
  readonly leastMs: number | null;
  readonly lanes: readonly LaneSurvey[];
}

export interface LaneSurvey {
  readonly lane: string;
  readonly calls: number;
  readonly messages: number;
  readonly bytes: number;
  readonly concurrency: number;
  /** Calls a second; null: no rate. */
  readonly ratePerSecond: number | null;
  readonly leastMs: number | null;
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
    const frame = { run: "0".repeat(22), generation: 1, lane: lane.name, policy };
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
  const lanes = [...counts.values()].filter((count) => count.calls > 0).map(surveyLane);
  const least = lanes.map(({ leastMs }) => leastMs).filter((ms) => ms !== null);
  return {
    name: plan.name,
    calls,
    invalid,
    firstInvalid,
    messages: lanes.reduce((sum, lane) => sum + lane.messages, 0),
    bytes: lanes.reduce((sum, lane) => sum + lane.bytes, 0),
    leastMs: least.length === 0 ? null : Math.max(...least),
    lanes,
  };
}

function note(count: Count, bytes: number): void {
  count.messages++;
  count.bytes += bytes;
}

function surveyLane({ lane, calls, messages, bytes }: Count): LaneSurvey {
  const ratePerSecond = lane.rate === undefined ? null : (lane.rate.count / lane.rate.perMs) * 1000;
  return {
    lane: lane.name,
    calls,
    messages,
    bytes,
    concurrency: lane.concurrency,
    ratePerSecond,
    // The first call starts at once.
    leastMs: ratePerSecond === null ? null : Math.round(((calls - 1) / ratePerSecond) * 1000),
  };
}

/** How long a lane takes where each call takes `latencyMs`, one attempt each. */
export function durationMs(lane: LaneSurvey, latencyMs: number): number {
  const bySlots = Math.ceil(lane.calls / lane.concurrency) * latencyMs;
  return Math.max(bySlots, (lane.leastMs ?? 0) + latencyMs);
}
