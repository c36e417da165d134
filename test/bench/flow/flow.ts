import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { wrap } from "../../../shared/terminal/fit.ts";
import { describeMachine } from "../machine.ts";
import type { Machine } from "../machine.ts";
import { UsageError } from "../options.ts";
import { renderMachine } from "../render.ts";
import { Scratch } from "../scratch.ts";
import { ADAPTIVE_SCENARIO } from "./adaptive.ts";
import { CLOSED_SCENARIO } from "./closed.ts";
import { IDEAL_SCENARIO } from "./ideal.ts";
import { LANES_SCENARIO } from "./lanes.ts";
import { USAGE, readOptions } from "./options.ts";
import type { FlowOptions } from "./options.ts";
import { DYNAMO_SCENARIO, RATE_SCENARIO } from "./rate.ts";
import { writeResults } from "./results.ts";
import { COLUMNS } from "./scenario.ts";
import type { FlowContext, Scenario } from "./scenario.ts";

/** What `--json` writes. */
export interface FlowReport {
  readonly startedAt: string;
  readonly machine: Machine;
  readonly options: FlowOptions;
  /** By a scenario's name. */
  readonly scenarios: Readonly<Record<string, object>>;
}

const SCENARIOS: readonly Scenario[] = [
  RATE_SCENARIO,
  DYNAMO_SCENARIO,
  CLOSED_SCENARIO,
  LANES_SCENARIO,
  IDEAL_SCENARIO,
  ADAPTIVE_SCENARIO,
];

const INTERRUPTED = 130;
const USAGE_ERROR = 2;
/** Later than this, what the server tells of arrivals is no longer what was sent. */
const LATE_MS = 10;

/** Returns the exit code. */
async function flow(args: readonly string[]): Promise<number> {
  const options = readOptions(
    args,
    SCENARIOS.map(({ name }) => name),
  );
  if (options === undefined) {
    process.stdout.write(USAGE);
    return 0;
  }
  const startedAt = new Date().toISOString();
  const machine = describeMachine();
  const interrupt = new AbortController();
  const onSignal = (): void => {
    if (interrupt.signal.aborted) process.exit(INTERRUPTED);
    interrupt.abort();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  const scratch = new Scratch();
  try {
    const { isShort, only } = options;
    const context = { scratch, isShort, signal: interrupt.signal };
    const asked = SCENARIOS.filter(({ name }) => only.length === 0 || only.includes(name));
    const scenarios: Record<string, object> = {};
    const texts: string[] = [];
    for (const scenario of asked) {
      const { figures, text } = await playScenario(context, scenario);
      scenarios[scenario.name] = figures;
      texts.push(text);
      process.stdout.write(`${text}\n`);
    }
    const machineLines = renderMachine(machine, "server: Node http, 1 process");
    process.stdout.write(`${machineLines.join("\n")}\n`);
    if (options.json !== undefined) {
      const report: FlowReport = { startedAt, machine, options, scenarios };
      writeFileSync(resolve(options.json), `${JSON.stringify(report, null, 2)}\n`);
    }
    if (options.write) writeResults(texts, machineLines, startedAt);
    return 0;
  } catch (error) {
    if (interrupt.signal.aborted) return INTERRUPTED;
    throw error;
  } finally {
    await scratch.close();
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

async function playScenario(
  context: Omit<FlowContext, "onStep">,
  { name, title, play }: Scenario,
): Promise<{ figures: object; text: string }> {
  const onStep = (step: string): void => void process.stderr.write(`${name}: ${step}\n`);
  const { figures, lines, serverLateMs } = await play({ ...context, onStep });
  const late =
    `Warning: the server's own timers came up to ${Math.round(serverLateMs)} ms late: the machine had other ` +
    `work, and arrivals are that uncertain. Repeat when it is idle.`;
  const warning = serverLateMs > LATE_MS ? wrap(late, COLUMNS) : [];
  const text = [...wrap(`${name}: ${title}`, COLUMNS), "", ...lines, ...warning, ""].join("\n");
  return { figures: { ...figures, serverLateMs }, text };
}

try {
  process.exitCode = await flow(process.argv.slice(2));
} catch (error) {
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(`bench:flow: ${text}\n`);
  process.exitCode = error instanceof UsageError ? USAGE_ERROR : 1;
}
