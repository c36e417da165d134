import { columnChart } from "../bench/flow/chart.ts";

/** Values over time, and whether they grow. Pure. */

export interface Point {
  /** Seconds since the soak began. */
  readonly at: number;
  readonly value: number;
}

/** How much more than in the first third the last may have and still count as flat: whichever is more. */
export interface Bound {
  /** Of the first third's. */
  readonly share: number;
  /** In the series' own unit. */
  readonly least: number;
}

export interface Growth {
  /** Medians, since a peak is no growth. */
  readonly first: number;
  readonly last: number;
  /** Most that `last` may be; Infinity without a bound. */
  readonly most: number;
  readonly isFlat: boolean;
}

/** What comes before is warming up: code is compiled, caches fill, no run is old enough to be pruned. */
const WARM_SHARE = 0.15;
const COLUMNS = 60;
const HEIGHT = 4;
const TICKS = 4;

/** Thirds of what follows the warming up. Undefined: nothing was measured in one of them. */
export function judgeGrowth(
  points: readonly Point[],
  bound: Bound | undefined,
  lastsSeconds: number,
): Growth | undefined {
  const from = lastsSeconds * WARM_SHARE;
  const third = (lastsSeconds - from) / 3;
  const first = median(points, from, from + third);
  const last = median(points, lastsSeconds - third, Infinity);
  if (first === undefined || last === undefined) return undefined;
  const { least, share } = bound ?? { least: Infinity, share: 0 };
  const most = first + Math.max(least, first * share);
  return { first, last, most, isFlat: last <= most };
}

function median(points: readonly Point[], from: number, until: number): number | undefined {
  const values = points
    .filter(({ at }) => at >= from && at < until)
    .map(({ value }) => value)
    .toSorted((a, b) => a - b);
  return values[Math.floor(values.length / 2)];
}

/** Columns of the highest value in each part of the time; where nothing was measured, as before it. */
export function drawSeries(points: readonly Point[], lastsSeconds: number): string[] {
  const highest = Array.from<number | undefined>({ length: COLUMNS });
  for (const { at, value } of points) {
    const column = Math.min(COLUMNS - 1, Math.floor((at / lastsSeconds) * COLUMNS));
    highest[column] = Math.max(highest[column] ?? 0, value);
  }
  let before = 0;
  const values = highest.map((value) => (before = value ?? before));
  const most = Math.max(1, Math.ceil(Math.max(...values)));
  const ticks = Array.from({ length: TICKS }, (_, quarter) => ({
    column: (quarter * COLUMNS) / TICKS,
    text: `${Number(((quarter * lastsSeconds) / TICKS / 60).toFixed(1))} min`,
  }));
  return columnChart({ values, most, height: HEIGHT, ticks });
}
