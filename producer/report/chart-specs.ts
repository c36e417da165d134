import type { LaneData, ReportData } from "./report-data.ts";
import { formatCount, formatDuration, formatRate } from "../../shared/terminal/format.ts";

/** A chart as the page's script draws it: numbers and our own words, and nothing that a plan or an API says. */
export interface ChartSpec {
  readonly id: string;
  /** Of the x axis: the run's time, or latencies in bins of equal ratio. */
  readonly x: "time" | "latency";
  readonly y: "perSecond" | "count" | "latency";
  readonly series: readonly SeriesSpec[];
  /** Lines across (of y), or upright (of x, where that is latency). */
  readonly marks: readonly { readonly value: number; readonly label: string }[];
  /** Where each bin begins, and the last ends: of a latency axis only. */
  readonly edges?: readonly number[];
}

export interface SeriesSpec {
  readonly label: string;
  readonly color: "good" | "bad" | "line1" | "line2" | "line3" | "line4";
  readonly style: "bars" | "line" | "area";
  readonly dash?: readonly number[];
  readonly values: readonly (number | null)[];
}

/** What the page's script is given. */
export interface PageData {
  /** Epoch milliseconds. */
  readonly startAt: number;
  readonly binMs: number;
  readonly charts: readonly ChartSpec[];
}

/** A chart, with what it shows in words, for who cannot see it. */
export interface Chart {
  readonly spec: ChartSpec;
  readonly title: string;
  readonly says: string;
}

/** More lanes than this stand in the table only. */
export const LANES_DRAWN = 8;

export function chartCalls({ time }: ReportData): Chart {
  const perSecond = 1_000 / time.binMs;
  const ended = time.succeeded.map((count, bin) => (count + time.failed[bin]!) * perSecond);
  const failed = time.failed.map((count) => count * perSecond);
  return {
    title: "Calls ended per second",
    says: `At most ${formatRate(Math.max(...ended))} in any ${nameBin(time.binMs)}.`,
    spec: {
      id: "calls",
      x: "time",
      y: "perSecond",
      series: [
        // Failures stand on the axis, in front, so that few of them show too.
        { label: "succeeded", color: "good", style: "bars", values: ended.map(round) },
        { label: "failed", color: "bad", style: "bars", values: failed.map(round) },
      ],
      marks: [],
    },
  };
}

/** On a scale of its own: among many calls a few failures are a line too thin to see. */
export function chartFailed({ time }: ReportData): Chart {
  const failed = time.failed.map((count) => (count * 1_000) / time.binMs);
  return {
    title: "Calls failed per second",
    says: `At most ${formatRate(Math.max(...failed))} in any ${nameBin(time.binMs)}.`,
    spec: {
      id: "failures",
      x: "time",
      y: "perSecond",
      series: [{ label: "failed", color: "bad", style: "bars", values: failed.map(round) }],
      marks: [],
    },
  };
}

export function chartLatency({ time }: ReportData): Chart {
  return {
    title: "Latency over time",
    says: `Of the last attempts that ended in each ${nameBin(time.binMs)}; the scale is logarithmic.`,
    spec: {
      id: "latency",
      x: "time",
      y: "latency",
      series: [
        { label: "max", color: "line4", style: "line", dash: [2, 3], values: time.max },
        { label: "p99", color: "line3", style: "line", dash: [6, 3], values: time.p99 },
        { label: "p95", color: "line2", style: "line", values: time.p95 },
        { label: "p50", color: "line1", style: "line", values: time.p50 },
      ],
      marks: [],
    },
  };
}

export function chartDistribution({ latency, figures }: ReportData): Chart {
  const { bins } = latency;
  const { p50 = 0, p95 = 0, p99 = 0 } = figures.latencyMs ?? {};
  return {
    title: "Distribution of latency",
    says: `Calls by the latency of their last attempt; half took at most ${formatDuration(p50)}, 99 % at most ${formatDuration(p99)}. The scale is logarithmic.`,
    spec: {
      id: "distribution",
      x: "latency",
      y: "count",
      series: [
        {
          label: "calls",
          color: "good",
          style: "bars",
          values: bins.map(({ count }) => count),
        },
      ],
      marks: [
        { value: p50, label: "p50" },
        { value: p95, label: "p95" },
        { value: p99, label: "p99" },
      ],
      edges: [...bins.map(({ fromMs }) => round(fromMs)), round(bins.at(-1)!.toMs)],
    },
  };
}

export function chartStarts(lane: LaneData, index: number, binMs: number): Chart {
  const started = lane.started.map((count) => (count * 1_000) / binMs);
  const rate = lane.limit?.rate ?? null;
  const limit = rate === null ? null : (rate.count * 1_000) / rate.perMs;
  return {
    title: "Started per second",
    says: describeLimit(limit, Math.max(...started), formatRate),
    spec: {
      id: `starts-${index}`,
      x: "time",
      y: "perSecond",
      series: [{ label: "started", color: "line1", style: "area", values: started.map(round) }],
      marks: markLimit(limit, Math.max(...started)),
    },
  };
}

export function chartInFlight(lane: LaneData, index: number): Chart {
  const limit = lane.limit?.concurrency ?? null;
  return {
    title: "In flight",
    says: describeLimit(limit, Math.max(...lane.inFlight), formatInFlight),
    spec: {
      id: `in-flight-${index}`,
      x: "time",
      y: "count",
      series: [
        {
          label: "in flight",
          color: "line1",
          style: "area",
          values: lane.inFlight.map(round),
        },
      ],
      marks: markLimit(limit, Math.max(...lane.inFlight)),
    },
  };
}

/** `7.4`, `64`: a mean, which needs no decimals once it is large. */
export function formatInFlight(mean: number): string {
  return mean < 99.95 ? mean.toFixed(1) : formatCount(mean);
}

/** A limit far above what was reached would press the line to the ground. */
const FAR = 4;

function markLimit(limit: number | null, reached: number): ChartSpec["marks"] {
  return limit === null || limit > reached * FAR ? [] : [{ value: limit, label: "limit" }];
}

function describeLimit(
  limit: number | null,
  reached: number,
  format: (value: number) => string,
): string {
  if (limit === null) return "No limit.";
  const where = limit > reached * FAR ? ", far above the chart" : "";
  return `Limit ${format(limit).replace(/\.0$/, "")}${where}.`;
}

function nameBin(binMs: number): string {
  return binMs === 1_000 ? "second" : formatBin(binMs);
}

/** Whole numbers, where `formatDuration` shows how exact a measure is. */
export function formatBin(binMs: number): string {
  return formatDuration(binMs).replace(".0 ", " ");
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
