import type { CallRow } from "../../shared/ledger/ledger.ts";
import { LOG_BINS, coarsen, logBinOf, percentileOf } from "./log-bins.ts";
import type { LatencyData, TimeData } from "./report-data.ts";
import { mergeBins } from "./time-scale.ts";
import type { TimeScale, Track } from "./time-scale.ts";

/** How calls ended, and how long their last attempts took, over the run's time. */
export class OverTime {
  readonly #time: TimeScale;
  readonly #succeeded: Track;
  readonly #failed: Track;
  readonly #latencies: Track;
  readonly #longest: Track;
  /** Of the whole run, those outside of its time included. */
  readonly #all = new Float64Array(LOG_BINS);
  #outside = 0;

  constructor(time: TimeScale) {
    this.#time = time;
    this.#succeeded = time.sums();
    this.#failed = time.sums();
    this.#latencies = time.histograms(LOG_BINS);
    this.#longest = time.maxima();
  }

  /** `settledAt` in epoch milliseconds. */
  add({ state, latencyMs }: CallRow, settledAt: number | null): void {
    if (state !== "succeeded" && state !== "failed") return;
    const logBin = latencyMs === null ? undefined : logBinOf(latencyMs);
    if (logBin !== undefined) this.#all[logBin]! += 1;
    const bin = settledAt === null ? undefined : this.#time.binOf(settledAt);
    if (bin === undefined) {
      this.#outside++;
      return;
    }
    (state === "succeeded" ? this.#succeeded : this.#failed).values[bin]! += 1;
    if (logBin === undefined || latencyMs === null) return;
    this.#latencies.values[bin * LOG_BINS + logBin]! += 1;
    this.#longest.values[bin] = Math.max(this.#longest.values[bin]!, latencyMs);
  }

  /** `factor`: how many bins make one that is shown. */
  summarize(factor: number): TimeData {
    const { startAt, widthMs, bins } = this.#time;
    const latencies = mergeBins(this.#latencies, bins, factor);
    const longest = Array.from(mergeBins(this.#longest, bins, factor));
    const percentiles = (share: number): (number | null)[] =>
      longest.map((maxMs, bin) => {
        const value = percentileOf(latencies, share, bin * LOG_BINS);
        // Read from bins, it may pass the longest by their width.
        return value === null ? null : toThreeDigits(Math.min(value, maxMs));
      });
    return {
      startAt: new Date(startAt).toISOString(),
      binMs: widthMs * factor,
      succeeded: Array.from(mergeBins(this.#succeeded, bins, factor)),
      failed: Array.from(mergeBins(this.#failed, bins, factor)),
      p50: percentiles(0.5),
      p95: percentiles(0.95),
      p99: percentiles(0.99),
      max: longest.map((maxMs) => (maxMs === 0 ? null : maxMs)),
      outside: this.#outside,
    };
  }

  latency(): LatencyData {
    return { bins: coarsen(this.#all) };
  }
}

function toThreeDigits(value: number): number {
  return Number(value.toPrecision(3));
}
