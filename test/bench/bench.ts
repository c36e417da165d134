import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { compare } from "./compare.ts";
import type { BenchContext, Comparison } from "./compare.ts";
import { CONTESTANTS } from "./contestants.ts";
import { describeMachine } from "./machine.ts";
import type { Machine } from "./machine.ts";
import { measureMemory } from "./memory.ts";
import type { MemoryFigures } from "./memory.ts";
import { USAGE, UsageError, readOptions } from "./options.ts";
import type { BenchOptions } from "./options.ts";
import { renderComparison, renderMachine, renderMemory, renderStart } from "./render.ts";
import { Scratch } from "./scratch.ts";
import { startServer } from "./server.ts";
import { measureStart } from "./start.ts";
import type { StartFigures } from "./start.ts";

/** What `--json` writes. */
export interface BenchReport {
  readonly startedAt: string;
  readonly machine: Machine;
  readonly server: string;
  readonly options: BenchOptions;
  readonly comparison?: Comparison;
  readonly memory?: MemoryFigures;
  readonly start?: StartFigures;
}

const INTERRUPTED = 130;
const USAGE_ERROR = 2;

/** Returns the exit code. */
async function bench(args: readonly string[]): Promise<number> {
  const names = CONTESTANTS.map(({ name }) => name);
  const options = readOptions(args, names);
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
    const server = await startServer(scratch, options.server);
    const { signal } = interrupt;
    const { lines, ...figures } = await runMode({ scratch, server, options, signal, onStep });
    const setting = `server: ${server.kind}; ${options.concurrency} in flight`;
    lines.push("", ...renderMachine(machine, setting));
    process.stdout.write(`${lines.join("\n")}\n`);
    if (options.json !== undefined) {
      const report: BenchReport = { startedAt, machine, server: server.kind, options, ...figures };
      writeFileSync(resolve(options.json), `${JSON.stringify(report, null, 2)}\n`);
    }
    return 0;
  } catch (error) {
    if (interrupt.signal.aborted) return INTERRUPTED;
    throw error;
  } finally {
    await scratch.close();
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

function onStep(step: string): void {
  process.stderr.write(`${step}\n`);
}

type ModeResult = Pick<BenchReport, "comparison" | "memory" | "start"> & { lines: string[] };

async function runMode(context: BenchContext): Promise<ModeResult> {
  const { mode } = context.options;
  if (mode === "memory") {
    const memory = await measureMemory(context);
    return { memory, lines: renderMemory(memory) };
  }
  if (mode === "start") {
    const start = await measureStart(context);
    return { start, lines: renderStart(start) };
  }
  const comparison = await compare(context);
  return { comparison, lines: renderComparison(comparison) };
}

try {
  process.exitCode = await bench(process.argv.slice(2));
} catch (error) {
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(`bench: ${text}\n`);
  process.exitCode = error instanceof UsageError ? USAGE_ERROR : 1;
}
