import { wrap } from "../../../shared/terminal/fit.ts";
import { formatCount } from "../../../shared/terminal/format.ts";
import { renderTable } from "../../../shared/terminal/table.ts";
import { spanOf } from "./log.ts";
import { callsOf, runSenpu } from "./run-senpu.ts";
import { COLUMNS, formatSeconds } from "./scenario.ts";
import type { FlowContext, Played, Scenario } from "./scenario.ts";
import { startServer } from "./server.ts";

const FAST = { concurrency: 4, latencyMs: 10 };
const SLOW = { concurrency: 2, calls: 4 };
const FULL = { fastCalls: 2_000, slowMs: 10_000 };
const SHORT = { fastCalls: 200, slowMs: 1_000 };

export const LANES_SCENARIO: Scenario = {
  name: "lanes",
  title: "A lane of fast calls beside a lane of slow ones, and alone",
  play: playLanes,
};

interface LaneFigures {
  /** First arrival to last answer of the fast lane. */
  readonly fastMs: number;
  /** Undefined where it was alone. */
  readonly slowMs: number | undefined;
  readonly lateMs: number;
}

async function playLanes(context: FlowContext): Promise<Played> {
  const alone = await playOne(context, false);
  const beside = await playOne(context, true);
  const ratio = beside.fastMs / alone.fastMs;
  const figures = { aloneMs: alone.fastMs, besideMs: beside.fastMs, slowMs: beside.slowMs, ratio };
  const { fastCalls, slowMs } = sizes(context);
  const columns = [
    { title: "FAST LANE" },
    { title: "FIRST TO LAST", align: "right" },
    { title: "OF ALONE", align: "right" },
    { title: "SLOW LANE", align: "right" },
  ] as const;
  const rows = [
    ["alone", formatSeconds(alone.fastMs), "1.00", "–"],
    [
      "beside the slow one",
      formatSeconds(beside.fastMs),
      ratio.toFixed(2),
      formatSeconds(beside.slowMs ?? 0),
    ],
  ];
  const said =
    `Fast: ${formatCount(fastCalls)} calls of ${FAST.latencyMs} ms, ${FAST.concurrency} at once; ` +
    `slow: ${SLOW.calls} calls of ${slowMs / 1000} s, ${SLOW.concurrency} at once.`;
  return {
    figures,
    lines: [...renderTable(columns, rows, COLUMNS), ...wrap(said, COLUMNS)],
    serverLateMs: Math.max(alone.lateMs, beside.lateMs),
  };
}

async function playOne(context: FlowContext, withSlow: boolean): Promise<LaneFigures> {
  const { scratch, onStep } = context;
  const { fastCalls, slowMs } = sizes(context);
  const server = await startServer(scratch, { kind: "open" });
  try {
    onStep(`the fast lane ${withSlow ? "beside the slow one" : "alone"}`);
    const slow = callsOf(server.url, "slow", Array<number>(SLOW.calls).fill(slowMs));
    const fast = callsOf(server.url, "fast", Array<number>(fastCalls).fill(FAST.latencyMs));
    const settings = {
      // An attempt's limit is 10 s unless the plan says more.
      defaults: { timeout: `${4 * slowMs}ms` },
      lanes: {
        slow: { match: `${server.url}/slow*`, concurrency: SLOW.concurrency },
        fast: { match: `${server.url}/fast*`, concurrency: FAST.concurrency },
      },
    };
    await runSenpu(context, { settings, calls: withSlow ? [...slow, ...fast] : fast });
    const { requests, lateMs } = await server.log();
    const ofLane = (lane: string) => requests.filter((request) => request.lane === lane);
    return {
      fastMs: spanOf(ofLane("fast")),
      slowMs: withSlow ? spanOf(ofLane("slow")) : undefined,
      lateMs,
    };
  } finally {
    await server.stop();
  }
}

function sizes({ isShort }: FlowContext): typeof FULL {
  return isShort ? SHORT : FULL;
}
