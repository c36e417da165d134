import { setTimeout as wait } from "node:timers/promises";
import { wrap } from "../../../shared/terminal/fit.ts";
import { formatCount, formatPercent } from "../../../shared/terminal/format.ts";
import { renderTable } from "../../../shared/terminal/table.ts";
import { columnChart } from "./chart.ts";
import { arrivalsIn, meanInFlight } from "./log.ts";
import { callsOf, runSenpu } from "./run-senpu.ts";
import { COLUMNS } from "./scenario.ts";
import type { FlowContext, Played, Scenario } from "./scenario.ts";
import { startServer } from "./server.ts";
import type { ServedRequest } from "./server.ts";

const CAPACITIES = [20, 5, 40] as const;
const LATENCY_MS = 100;
const MOST = 100;
const FULL = { phaseMs: 10_000, calls: 20_000 };
const SHORT = { phaseMs: 1_000, calls: 2_000 };
/** Of a phase, before what is in flight counts as settled. */
const SETTLING_SHARE = 0.3;
const COLUMN_MS = 500;
const HEIGHT = 8;

export const ADAPTIVE_SCENARIO: Scenario = {
  name: "adaptive",
  title: "A lane that adapts (1 to 100) to a server that allows 20 at once, then 5, then 40",
  play: playAdaptive,
};

async function playAdaptive(context: FlowContext): Promise<Played> {
  const { scratch, isShort, signal, onStep } = context;
  const { phaseMs, calls: count } = isShort ? SHORT : FULL;
  const policy = { kind: "holds", capacities: CAPACITIES, phaseMs } as const;
  const server = await startServer(scratch, policy);
  try {
    onStep(`${CAPACITIES.length} phases of ${phaseMs / 1000} s; then the run is interrupted`);
    const calls = callsOf(server.url, "api", Array<number>(count).fill(LATENCY_MS));
    const settings = {
      lanes: { api: { match: "**", concurrency: { min: 1, max: MOST } } },
      retry: { rules: [{ on: 429, attempts: "unlimited" }] },
    };
    const until = async (): Promise<void> => {
      await server.waitForFirst();
      await wait(phaseMs * CAPACITIES.length, undefined, { signal });
    };
    await runSenpu(context, { settings, calls, until });
    const { requests, lateMs } = await server.log();
    const figures = summarise(requests, phaseMs);
    return { figures, lines: render(figures), serverLateMs: lateMs };
  } finally {
    await server.stop();
  }
}

interface AdaptiveFigures {
  readonly phaseMs: number;
  readonly phases: readonly PhaseFigures[];
  /** In flight at the server and not refused, on average over each half second. */
  readonly inFlight: readonly number[];
}

interface PhaseFigures {
  readonly capacity: number;
  /** In flight on average, without the first part of the phase. */
  readonly settled: number;
  readonly share: number;
  readonly arrivals: number;
  readonly refused: number;
}

function summarise(requests: readonly ServedRequest[], phaseMs: number): AdaptiveFigures {
  const startedAt = requests[0]?.arrivedAt ?? 0;
  const phases = CAPACITIES.map((capacity, phase) => {
    const from = startedAt + phase * phaseMs;
    const arrived = arrivalsIn(requests, from, from + phaseMs);
    const settled = meanInFlight(requests, from + phaseMs * SETTLING_SHARE, from + phaseMs);
    return {
      capacity,
      settled,
      share: settled / capacity,
      arrivals: arrived.length,
      refused: arrived.filter(({ status }) => status !== 200).length,
    };
  });
  const inFlight = Array.from({ length: (phaseMs * CAPACITIES.length) / COLUMN_MS }, (_, index) => {
    const from = startedAt + index * COLUMN_MS;
    return meanInFlight(requests, from, from + COLUMN_MS);
  });
  return { phaseMs, phases, inFlight };
}

function render({ phaseMs, phases, inFlight }: AdaptiveFigures): string[] {
  const columnsAPhase = phaseMs / COLUMN_MS;
  const levels = inFlight.map((_, column) => CAPACITIES[Math.floor(column / columnsAPhase)]!);
  const ticks = CAPACITIES.map((capacity, phase) => ({
    column: phase * columnsAPhase,
    text: `|${(phase * phaseMs) / 1000} s: ${capacity}`,
  }));
  const most = Math.max(...CAPACITIES);
  const columns = [
    { title: "ALLOWED", align: "right" },
    { title: "SETTLED", align: "right" },
    { title: "OF IT", align: "right" },
    { title: "ARRIVALS", align: "right" },
    { title: "REFUSED", align: "right" },
  ] as const;
  const rows = phases.map(({ capacity, settled, share, arrivals, refused }) => [
    String(capacity),
    settled.toFixed(1),
    formatPercent(share),
    formatCount(arrivals),
    formatPercent(arrivals === 0 ? 0 : refused / arrivals),
  ]);
  const said =
    `Above: calls being answered, the mean of each half second; dashes are what the server allows. ` +
    `Settled: the mean from ${(phaseMs * SETTLING_SHARE) / 1000} s into a phase on. Calls of ${LATENCY_MS} ms, refused with a bare 429.`;
  return [
    ...columnChart({ values: inFlight, most, height: HEIGHT, levels, ticks }),
    "",
    ...renderTable(columns, rows, COLUMNS),
    ...wrap(said, COLUMNS),
  ];
}
