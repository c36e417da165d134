/**
 * A run's time in equal bins that grow with it: what is added is counted in the finest width whose bins still suffice,
 * so memory stays the same however long the run was, and in whatever order its calls come.
 */

/** Each a multiple of the one before, so that bins can be put together and nothing has to be counted again. */
const WIDTHS_MS: readonly number[] = [
  100, 500, 1_000, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000,
  21_600_000, 86_400_000, 604_800_000,
];
const MAX_BINS = 2_000;
/** Clocks of workers may differ by so much from the one that began the run. */
const MAX_SKEW_MS = 60_000;

/** One quantity over time: sums, or with `keepsMost` the highest value of each bin. */
export interface Track {
  /** Values of a bin, side by side: one, or a histogram's counts. */
  readonly stride: number;
  readonly keepsMost: boolean;
  readonly values: Float64Array | Uint32Array;
}

export class TimeScale {
  /** Where the first bin begins, epoch milliseconds. */
  readonly startAt: number;
  readonly #latestAt: number;
  readonly #tracks: Track[] = [];
  #width = 0;
  #used = 0;

  /** Times before the start or after `latestAt` are not the run's. */
  constructor(startAt: number, latestAt: number) {
    this.startAt = startAt;
    this.#latestAt = Math.max(startAt, latestAt);
  }

  get widthMs(): number {
    return WIDTHS_MS[this.#width]!;
  }

  /** Bins up to the last in which something is. */
  get bins(): number {
    return this.#used;
  }

  sums(): Track {
    return this.#track({ stride: 1, keepsMost: false, values: new Float64Array(MAX_BINS) });
  }

  maxima(): Track {
    return this.#track({ stride: 1, keepsMost: true, values: new Float64Array(MAX_BINS) });
  }

  /** A histogram in each bin. */
  histograms(stride: number): Track {
    const values = new Uint32Array(MAX_BINS * stride);
    return this.#track({ stride, keepsMost: false, values });
  }

  /** The bin of a moment; undefined when it cannot be one of the run's. Holds until the next call of this. */
  binOf(at: number): number | undefined {
    if (!(at >= this.startAt - MAX_SKEW_MS && at <= this.#latestAt + MAX_SKEW_MS)) return undefined;
    const sinceMs = Math.max(0, at - this.startAt);
    while (sinceMs >= MAX_BINS * this.widthMs) {
      if (!this.#widen()) return undefined;
    }
    const bin = Math.floor(sinceMs / this.widthMs);
    this.#used = Math.max(this.#used, bin + 1);
    return bin;
  }

  /** Adds how much of each bin lies between the two moments, in milliseconds. */
  addSpan(track: Track, from: number, to: number): void {
    // The end first: it may widen the bins.
    const last = this.binOf(to);
    const first = this.binOf(from);
    if (first === undefined || last === undefined) return;
    const width = this.widthMs;
    for (let bin = first; bin <= last; bin++) {
      const begin = this.startAt + bin * width;
      track.values[bin]! += Math.max(0, Math.min(to, begin + width) - Math.max(from, begin));
    }
  }

  #track(track: Track): Track {
    this.#tracks.push(track);
    return track;
  }

  #widen(): boolean {
    const next = WIDTHS_MS[this.#width + 1];
    if (next === undefined) return false;
    const factor = next / this.widthMs;
    for (const track of this.#tracks) {
      const merged = mergeBins(track, this.#used, factor);
      track.values.fill(0);
      track.values.set(merged);
    }
    this.#used = Math.ceil(this.#used / factor);
    this.#width++;
    return true;
  }
}

/** The first `bins` bins of a track, each `factor` of them as one. */
export function mergeBins(
  { values, stride, keepsMost }: Track,
  bins: number,
  factor: number,
): Float64Array {
  const merged = new Float64Array(Math.ceil(bins / factor) * stride);
  for (let bin = 0; bin < bins; bin++) {
    const into = Math.floor(bin / factor) * stride;
    for (let index = 0; index < stride; index++) {
      const value = values[bin * stride + index]!;
      const place = into + index;
      merged[place] = keepsMost ? Math.max(merged[place]!, value) : merged[place]! + value;
    }
  }
  return merged;
}

/** Bins that a chart shows at the most: more than its pixels can tell apart help nobody. */
const MAX_SHOWN = 240;
const SHOWN_WIDTHS_MS: readonly number[] = [
  1_000, 2_000, 5_000, 10_000, 15_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000,
  1_200_000, 1_800_000, 3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000,
  172_800_000, 604_800_000,
];
/** Below this, seconds would be too few bars. */
const SHORT_RUN_MS = 8_000;
const SHORT_WIDTH_MS = 200;

/** How many of the scale's bins make one of a chart's. */
export function shownFactor({ widthMs, bins }: Pick<TimeScale, "widthMs" | "bins">): number {
  const spanMs = widthMs * bins;
  if (spanMs < SHORT_RUN_MS) return SHORT_WIDTH_MS / widthMs;
  const shown = SHOWN_WIDTHS_MS.find(
    (candidate) => candidate % widthMs === 0 && spanMs / candidate <= MAX_SHOWN,
  );
  return shown === undefined ? Math.ceil(bins / MAX_SHOWN) : shown / widthMs;
}
