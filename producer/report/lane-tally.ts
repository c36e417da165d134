import type { CallRow } from "../../shared/ledger/ledger.ts";
import { mergeBins } from "./time-scale.ts";
import type { TimeScale, Track } from "./time-scale.ts";
import type { LaneData, LimitData } from "./report-data.ts";

const SECOND_MS = 1_000;

/**
 * What a lane's calls asked of its API. The ledger knows when a call's first attempt began and how long its last one
 * took until when; of those between only that they were.
 */
export class LaneTally {
  readonly lane: string;
  readonly #time: TimeScale;
  readonly #started: Track;
  readonly #busyMs: Track;
  #calls = 0;
  #succeeded = 0;
  #failed = 0;
  #attempts = 0;
  #attemptsSeen = 0;

  constructor(lane: string, time: TimeScale) {
    this.lane = lane;
    this.#time = time;
    this.#started = time.sums();
    this.#busyMs = time.sums();
  }

  get calls(): number {
    return this.#calls;
  }

  /** `startedAt` and `settledAt` in epoch milliseconds. */
  add(call: CallRow, startedAt: number | null, settledAt: number | null): void {
    this.#calls++;
    if (call.state === "succeeded") this.#succeeded++;
    if (call.state === "failed") this.#failed++;
    this.#attempts += call.attempts;
    const lastBegan =
      call.latencyMs === null || settledAt === null ? null : settledAt - call.latencyMs;
    if (lastBegan !== null && settledAt !== null) {
      this.#start(lastBegan);
      this.#time.addSpan(this.#busyMs, lastBegan, settledAt);
    }
    // The first of several, or one whose end nobody saw.
    if (startedAt !== null && (call.attempts > 1 || lastBegan === null)) this.#start(startedAt);
  }

  #start(at: number): void {
    const bin = this.#time.binOf(at);
    if (bin === undefined) return;
    this.#attemptsSeen++;
    this.#started.values[bin]! += 1;
  }

  /** `factor`: how many bins make one that is shown. */
  summarize(factor: number, limit: LimitData | null): LaneData {
    const { widthMs, bins } = this.#time;
    const windowMs = Math.max(SECOND_MS, widthMs);
    let mostBusyMs = 0;
    for (let bin = 0; bin < bins; bin++) {
      mostBusyMs = Math.max(mostBusyMs, this.#busyMs.values[bin]!);
    }
    const shownMs = widthMs * factor;
    return {
      lane: this.lane,
      limit,
      calls: this.#calls,
      succeeded: this.#succeeded,
      failed: this.#failed,
      attempts: this.#attempts,
      attemptsSeen: Math.min(this.#attempts, this.#attemptsSeen),
      mostStarted: mostWithin(this.#started.values, bins, windowMs / widthMs),
      windowMs,
      mostInFlight: mostBusyMs / widthMs,
      momentMs: widthMs,
      started: Array.from(mergeBins(this.#started, bins, factor)),
      inFlight: Array.from(mergeBins(this.#busyMs, bins, factor), (busyMs) => busyMs / shownMs),
    };
  }
}

/** The highest sum of so many neighbours. */
function mostWithin(values: ArrayLike<number>, count: number, width: number): number {
  let sum = 0;
  let most = 0;
  for (let index = 0; index < count; index++) {
    sum += values[index]! - (index >= width ? values[index - width]! : 0);
    most = Math.max(most, sum);
  }
  return most;
}
