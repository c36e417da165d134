import { wrap } from "../../../shared/terminal/fit.ts";
import { formatDuration, formatQuantity } from "../../../shared/terminal/format.ts";
import { columnChart } from "./chart.ts";
import { arrivalsIn } from "./log.ts";
import { callsOf, runSenpu } from "./run-senpu.ts";
import { COLUMNS } from "./scenario.ts";
import type { FlowContext, Played, Scenario } from "./scenario.ts";
import { startServer } from "./server.ts";
import type { ServedRequest } from "./server.ts";

const WORKERS = 4;
const CONCURRENCY = 20;
const LATENCY_MS = 150;
const FULL = { calls: 600, after: 300, seconds: 3 };
const SHORT = { calls: 120, after: 50, seconds: 1 };
/** What was in flight has arrived by then, and every worker knows. */
const KNOWN_MS = 500;
const TENTH_MS = 100;
const SHOWN_BEFORE_MS = 1_000;
const SHOWN_AFTER_MS = 3_000;
const HEIGHT = 5;

export const CLOSED_SCENARIO: Scenario = {
  name: "closed",
  title: "Four worker processes, and a server that answers 429 with Retry-After",
  play: playClosed,
};

async function playClosed(context: FlowContext): Promise<Played> {
  const { scratch, isShort, onStep } = context;
  const { calls: count, after, seconds } = isShort ? SHORT : FULL;
  const server = await startServer(scratch, { kind: "closes", after, seconds });
  try {
    onStep(`${count} calls, ${CONCURRENCY} at once, closed for ${seconds} s after ${after}`);
    const calls = callsOf(server.url, "api", Array<number>(count).fill(LATENCY_MS));
    const settings = { lanes: { api: { match: "**", concurrency: CONCURRENCY } } };
    await runSenpu(context, { settings, calls, words: ["--workers", String(WORKERS)] });
    const { requests, lateMs } = await server.log();
    const figures = summarise(requests, seconds);
    return { figures, lines: render(figures), serverLateMs: lateMs };
  } finally {
    await server.stop();
  }
}

interface ClosedFigures {
  readonly closedSeconds: number;
  /** Arrivals from the first refusal on, until the server answers again. */
  readonly whileClosed: number;
  /** Of them, those after the first half second. */
  readonly afterKnown: number;
  /** The first arrival after that half second; times count from the end of the closing. */
  readonly probe: { readonly atMs: number; readonly status: number; readonly tookMs: number };
  /** Arrivals before the probe's answer was out; 0 as it should be. */
  readonly besideProbe: number;
  /** From the probe's answer to the next arrival. */
  readonly reopenedAfterMs: number;
  /** Arrivals in the second after the probe's answer. */
  readonly inFirstSecond: number;
  readonly refused: number;
  /** Arrivals a tenth of a second, from a second before the first refusal on. */
  readonly tenths: readonly number[];
}

function summarise(requests: readonly ServedRequest[], closedSeconds: number): ClosedFigures {
  const first = requests.find(({ status }) => status === 429);
  if (first === undefined) throw new Error("the server refused nothing");
  const from = first.arrivedAt;
  const to = from + closedSeconds * 1000;
  const [probe, next] = arrivalsIn(requests, from + KNOWN_MS, Infinity);
  if (probe === undefined || next === undefined) throw new Error("all was made before the closing");
  const probed = probe.endedAt ?? probe.arrivedAt;
  const shownFrom = from - SHOWN_BEFORE_MS;
  const tenths = Array.from(
    { length: (SHOWN_BEFORE_MS + closedSeconds * 1000 + SHOWN_AFTER_MS) / TENTH_MS },
    (_, index) => {
      const at = shownFrom + index * TENTH_MS;
      return arrivalsIn(requests, at, at + TENTH_MS).length;
    },
  );
  return {
    closedSeconds,
    whileClosed: arrivalsIn(requests, from, to).length,
    afterKnown: arrivalsIn(requests, from + KNOWN_MS, to).length,
    probe: {
      atMs: probe.arrivedAt - to,
      status: probe.status,
      tookMs: probed - probe.arrivedAt,
    },
    besideProbe: arrivalsIn(requests, probe.arrivedAt, probed).length - 1,
    reopenedAfterMs: next.arrivedAt - probed,
    inFirstSecond: arrivalsIn(requests, probed, probed + 1_000).length,
    refused: requests.filter(({ status }) => status === 429).length,
    tenths,
  };
}

function render(figures: ClosedFigures): string[] {
  const { closedSeconds, whileClosed, afterKnown, probe, besideProbe, tenths } = figures;
  const { reopenedAfterMs, inFirstSecond, refused } = figures;
  const columnsASecond = 1000 / TENTH_MS;
  const ticks = Array.from({ length: Math.ceil(tenths.length / columnsASecond) }, (_, second) => ({
    column: second * columnsASecond,
    text: `|${second - SHOWN_BEFORE_MS / 1000} s`,
  }));
  const most = Math.max(1, ...tenths);
  const said = [
    `Arrivals in each tenth of a second; 0 s is the first refusal (Retry-After: ${closedSeconds}).`,
    `In the ${closedSeconds} s after it: ${formatQuantity(whileClosed, "arrival")}, ${afterKnown} of them after the first half second.`,
    `The probe: ${describeProbe(probe)}, ${besideProbe} beside it. After its answer the next came in ${formatDuration(reopenedAfterMs)}, ` +
      `${inFirstSecond} within a second. Refused in all: ${refused}.`,
  ];
  return [
    ...columnChart({ values: tenths, most, height: HEIGHT, ticks }),
    ...said.flatMap((line) => wrap(line, COLUMNS)),
  ];
}

function describeProbe({ atMs, status, tookMs }: ClosedFigures["probe"]): string {
  const side = atMs < 0 ? "before" : "after";
  return `${formatDuration(Math.abs(atMs))} ${side} the end of the closing, answered ${status} in ${formatDuration(tookMs)}`;
}
