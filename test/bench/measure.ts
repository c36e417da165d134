import { once } from "node:events";
import { text } from "node:stream/consumers";
import { readMemory } from "./processes.ts";
import type { Scratch } from "./scratch.ts";

export interface Measurement {
  /** From before the process was started until it had ended. */
  readonly wallMs: number;
  readonly stdout: string;
  /** Sum of what each process was at its largest; null where that cannot be read. */
  readonly peakBytes: number | null;
  readonly samples: readonly MemorySample[];
}

export interface MemorySample {
  readonly atMs: number;
  /** Resident at that moment, of all processes. */
  readonly bytes: number;
}

export interface MeasureOptions {
  readonly scratch: Scratch;
  /** What Node is to run, and its arguments. */
  readonly args: readonly string[];
  /** Processes that belong to it and are no children of it. */
  readonly companions?: readonly number[];
  readonly signal: AbortSignal;
}

const SAMPLE_MS = 100;
/** Longer than any run that is meant: what takes this long hangs. */
const LIMIT_MS = 20 * 60_000;
const SHOWN_STDERR = 2_000;

/** Runs Node once and measures it from outside. Throws when it fails, with what it said. */
export async function measure(options: MeasureOptions): Promise<Measurement> {
  const { scratch, args, companions = [], signal } = options;
  signal.throwIfAborted();
  const peaks = new Map<number, number>();
  const samples: MemorySample[] = [];
  const startedAt = performance.now();
  const child = scratch.start(process.execPath, args);
  const end = (): void => void child.kill("SIGKILL");
  signal.addEventListener("abort", end);
  const limit = setTimeout(end, LIMIT_MS);
  const sampler = setInterval(() => {
    if (child.pid === undefined) return;
    const memory = readMemory([child.pid, ...companions]);
    if (memory === undefined) return;
    samples.push({ atMs: performance.now() - startedAt, bytes: memory.bytes });
    for (const [pid, bytes] of memory.peakBytes) peaks.set(pid, bytes);
  }, SAMPLE_MS);
  try {
    const [wallMs, stdout, stderr, [code, killedBy]] = await Promise.all([
      once(child, "exit").then(() => performance.now() - startedAt),
      text(child.stdout),
      text(child.stderr),
      once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>,
    ]);
    signal.throwIfAborted();
    if (code !== 0) {
      const said = (stderr || stdout).slice(-SHOWN_STDERR).trim();
      throw new Error(`node ${args.join(" ")} ended with ${code ?? killedBy}:\n${said}`);
    }
    const peakBytes = peaks.size === 0 ? null : [...peaks.values()].reduce((sum, n) => sum + n, 0);
    return { wallMs, stdout, peakBytes, samples };
  } finally {
    clearTimeout(limit);
    clearInterval(sampler);
    signal.removeEventListener("abort", end);
  }
}
