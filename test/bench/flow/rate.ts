import { fileURLToPath } from "node:url";
import { wrap } from "../../../shared/terminal/fit.ts";
import { formatCount, formatQuantity } from "../../../shared/terminal/format.ts";
import { renderTable } from "../../../shared/terminal/table.ts";
import { steadyRate } from "../../support/arrivals.ts";
import { bar } from "./chart.ts";
import { countWindows } from "./log.ts";
import { callsOf, runSenpu } from "./run-senpu.ts";
import { COLUMNS } from "./scenario.ts";
import type { FlowContext, Played, Scenario } from "./scenario.ts";
import { startServer } from "./server.ts";
import type { ServedRequest } from "./server.ts";
import { startEntry } from "./start-entry.ts";

const RATE = 100;
const WORKERS = 3;
const CALLS = 1_000;
const SHORT_CALLS = 200;
const WINDOW_MS = 1_000;
/** What holds fewer than this share of the rate is one row. */
const SHOWN_FROM = 0.95;
const BAR_WIDTH = 50;

export const RATE_SCENARIO: Scenario = {
  name: "rate",
  title: `A rate of ${RATE}/s over three worker processes`,
  play: (context) => playRate(context, {}),
};

export const DYNAMO_SCENARIO: Scenario = {
  name: "dynamo",
  title: `A rate of ${RATE}/s over three worker processes, coordinated by DynamoDB (dynalite)`,
  play: playDynamo,
};

async function playDynamo(context: FlowContext): Promise<Played> {
  const { scratch } = context;
  const entry = fileURLToPath(new URL("./dynamo-entry.ts", import.meta.url));
  const { child, lines } = startEntry(scratch, [entry]);
  try {
    const env = {
      SENPU_COORDINATION_TABLE: "senpu",
      AWS_ENDPOINT_URL_DYNAMODB: await lines.next(),
    };
    return await playRate(context, env);
  } finally {
    await scratch.stop(child);
  }
}

async function playRate(
  context: FlowContext,
  env: Readonly<Record<string, string>>,
): Promise<Played> {
  const { scratch, isShort, onStep } = context;
  const server = await startServer(scratch, { kind: "open" });
  try {
    const count = isShort ? SHORT_CALLS : CALLS;
    onStep(`${count} calls at ${RATE}/s`);
    const calls = callsOf(server.url, "paced", Array<number>(count).fill(0));
    const settings = { lanes: { paced: { match: "**", rate: `${RATE}/s` } } };
    await runSenpu(context, { settings, calls, words: ["--workers", String(WORKERS)], env });
    const { requests, lateMs } = await server.log();
    const figures = summarise(requests);
    return { figures, lines: render(figures), serverLateMs: lateMs };
  } finally {
    await server.stop();
  }
}

interface RateFigures {
  readonly arrivals: number;
  readonly windows: number;
  /** Most in any window. */
  readonly most: number;
  /** Of the rate, without the first and the last second (in a short run: quarter of a second). */
  readonly steadyShare: number;
  /** How many windows held so many; ascending. */
  readonly histogram: readonly { readonly count: number; readonly windows: number }[];
}

function summarise(requests: readonly ServedRequest[]): RateFigures {
  const counts = countWindows(requests, WINDOW_MS);
  const histogram = [...Map.groupBy(counts, (count) => count)]
    .map(([count, { length }]) => ({ count, windows: length }))
    .toSorted((a, b) => a.count - b.count);
  return {
    arrivals: requests.length,
    windows: counts.length,
    most: Math.max(0, ...counts),
    steadyShare: steadyRate(requests, isLong(requests) ? WINDOW_MS : WINDOW_MS / 4) / RATE,
    histogram,
  };
}

function isLong(requests: readonly ServedRequest[]): boolean {
  return requests.length > 4 * RATE;
}

function render({ arrivals, windows, most, steadyShare, histogram }: RateFigures): string[] {
  const from = Math.round(RATE * SHOWN_FROM);
  const last = Math.max(RATE, most);
  const few = histogram.filter(({ count }) => count < from);
  const buckets = [
    { label: `under ${from}`, windows: few.reduce((sum, bucket) => sum + bucket.windows, 0) },
    ...Array.from({ length: last - from + 1 }, (_, index) => ({
      label: String(from + index),
      windows: histogram.find(({ count }) => count === from + index)?.windows ?? 0,
    })),
  ];
  const columns = [
    { title: "IN A SECOND", align: "right" },
    { title: "WINDOWS", align: "right" },
    { title: "" },
  ] as const;
  const rows = buckets.map((bucket) => [
    bucket.label,
    formatCount(bucket.windows),
    bar(windows === 0 ? 0 : bucket.windows / windows, BAR_WIDTH),
  ]);
  const said =
    `Of ${formatQuantity(arrivals, "arrival")}, ${formatCount(windows)} begin a whole second: ` +
    `${formatCount(most)} in any at the most, ${(steadyShare * 100).toFixed(1)} % of the rate without start and end.`;
  return [...renderTable(columns, rows, COLUMNS), ...wrap(said, COLUMNS)];
}
