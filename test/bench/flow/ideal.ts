import { wrap } from "../../../shared/terminal/fit.ts";
import { formatCount, formatQuantity } from "../../../shared/terminal/format.ts";
import { renderTable } from "../../../shared/terminal/table.ts";
import { Dice } from "../../faults/dice.ts";
import { median } from "../statistics.ts";
import { spanOf } from "./log.ts";
import { callsOf, runSenpu } from "./run-senpu.ts";
import { COLUMNS, formatSeconds } from "./scenario.ts";
import type { FlowContext, Played, Scenario } from "./scenario.ts";
import { startServer } from "./server.ts";

const CONCURRENCY = 50;
const LATENCY_MS = { least: 50, most: 150 };
const SEED = 1;
const FULL = { count: 1_000, rounds: 3 };
const SHORT = { count: 100, rounds: 1 };

export const IDEAL_SCENARIO: Scenario = {
  name: "ideal",
  title: `Calls of 100 ± 50 ms, ${CONCURRENCY} at once, against the ideal duration`,
  play: playIdeal,
};

interface IdealFigures {
  readonly calls: number;
  /** Sum of all latencies by the concurrency: no schedule is shorter. */
  readonly boundMs: number;
  /** Each call begun the moment a place is free: with the tail of the last ones. */
  readonly idealMs: number;
  readonly rounds: readonly Round[];
}

interface Round {
  /** First arrival to last answer, at the server. */
  readonly insideMs: number;
  /** The command from its start to its end. */
  readonly wholeMs: number;
  readonly lateMs: number;
}

async function playIdeal(context: FlowContext): Promise<Played> {
  const { count, rounds: roundCount } = context.isShort ? SHORT : FULL;
  const dice = new Dice(SEED);
  const latencies = Array.from({ length: count }, () =>
    dice.between(LATENCY_MS.least, LATENCY_MS.most),
  );
  const rounds: Round[] = [];
  for (let round = 1; round <= roundCount; round++) {
    context.onStep(`round ${round} of ${roundCount}: ${count} calls, ${CONCURRENCY} at once`);
    rounds.push(await playRound(context, latencies));
  }
  const figures: IdealFigures = {
    calls: count,
    boundMs: latencies.reduce((sum, ms) => sum + ms, 0) / CONCURRENCY,
    idealMs: idealMs(latencies, CONCURRENCY),
    rounds,
  };
  const serverLateMs = Math.max(...rounds.map(({ lateMs }) => lateMs));
  return { figures, lines: render(figures), serverLateMs };
}

async function playRound(context: FlowContext, latencies: readonly number[]): Promise<Round> {
  const server = await startServer(context.scratch, { kind: "open" });
  try {
    const calls = callsOf(server.url, "api", latencies);
    const settings = { lanes: { api: { match: "**", concurrency: CONCURRENCY } } };
    const { elapsedMs } = await runSenpu(context, { settings, calls });
    const { requests, lateMs } = await server.log();
    return { insideMs: spanOf(requests), wholeMs: elapsedMs, lateMs };
  } finally {
    await server.stop();
  }
}

/** The duration of calls begun in their order, each where a place is free first. */
function idealMs(latencies: readonly number[], concurrency: number): number {
  const freeAt = Array<number>(concurrency).fill(0);
  for (const ms of latencies) {
    const soonest = freeAt.indexOf(Math.min(...freeAt));
    freeAt[soonest] = freeAt[soonest]! + ms;
  }
  return Math.max(...freeAt);
}

function render({ calls, boundMs, idealMs, rounds }: IdealFigures): string[] {
  const columns = [
    { title: "DURATION" },
    { title: "MEDIAN", align: "right" },
    { title: "MIN–MAX", align: "right" },
    { title: "OF THE IDEAL", align: "right" },
  ] as const;
  const fixed = (name: string, ms: number) => [
    name,
    formatSeconds(ms),
    "–",
    (ms / idealMs).toFixed(3),
  ];
  const measured = (name: string, times: readonly number[]) => [
    name,
    formatSeconds(median(times)),
    `${formatSeconds(Math.min(...times))}–${formatSeconds(Math.max(...times))}`,
    (median(times) / idealMs).toFixed(3),
  ];
  const rows = [
    fixed(`sum of the latencies / ${CONCURRENCY}`, boundMs),
    fixed("ideal, with its tail", idealMs),
    measured(
      "first arrival to last answer",
      rounds.map(({ insideMs }) => insideMs),
    ),
    measured(
      "the whole command",
      rounds.map(({ wholeMs }) => wholeMs),
    ),
  ];
  const said = `${formatCount(calls)} calls, the same in ${formatQuantity(rounds.length, "round")}. The ideal begins each the moment a place is free.`;
  return [...renderTable(columns, rows, COLUMNS), ...wrap(said, COLUMNS)];
}
