/**
 * Latencies in bins of equal ratio: 40 a decade, each 6 % wide, from a tenth of a millisecond to three hours. So a
 * percentile read from them is off by 3 % at the most, and a histogram is some hundred numbers for any number of calls.
 * What is shorter or longer is counted in the first or the last bin. Pure.
 */
const BINS_A_DECADE = 40;
const FIRST_DECADE = -1;
const DECADES = 8;
export const LOG_BINS = BINS_A_DECADE * DECADES;

export function logBinOf(ms: number): number {
  const bin = Math.floor((Math.log10(ms) - FIRST_DECADE) * BINS_A_DECADE);
  // Of 0 the logarithm is -Infinity.
  return Math.max(0, Math.min(LOG_BINS - 1, bin));
}

/** Where the bin begins, in milliseconds; `bin` may have a fraction. */
function logBinStart(bin: number): number {
  return 10 ** (bin / BINS_A_DECADE + FIRST_DECADE);
}

/** The latency that this share (0–1) of those in `counts` did not exceed; null where there are none. */
export function percentileOf(counts: ArrayLike<number>, share: number, from = 0): number | null {
  let total = 0;
  for (let bin = 0; bin < LOG_BINS; bin++) total += counts[from + bin]!;
  if (total === 0) return null;
  let left = share * total;
  for (let bin = 0; bin < LOG_BINS; bin++) {
    const count = counts[from + bin]!;
    if (count > 0 && left <= count) return logBinStart(bin + left / count);
    left -= count;
  }
  return logBinStart(LOG_BINS);
}

export interface LogBin {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

/** As few bins as still show the shape, from the first to the last in which something is. */
export function coarsen(counts: ArrayLike<number>): LogBin[] {
  let first = 0;
  let last = LOG_BINS - 1;
  while (first <= last && counts[first] === 0) first++;
  while (last >= first && counts[last] === 0) last--;
  if (first > last) return [];
  const factor = COARSER.find((each) => (last - first + 1) / each <= MAX_SHOWN) ?? 8;
  const bins: LogBin[] = [];
  for (let bin = first - (first % factor); bin <= last; bin += factor) {
    let count = 0;
    for (let index = bin; index < Math.min(LOG_BINS, bin + factor); index++) {
      count += counts[index]!;
    }
    bins.push({ fromMs: logBinStart(bin), toMs: logBinStart(bin + factor), count });
  }
  return bins;
}

const COARSER: readonly number[] = [1, 2, 4, 8];
const MAX_SHOWN = 60;
