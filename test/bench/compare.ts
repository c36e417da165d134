import { BARE, CONTESTANTS } from "./contestants.ts";
import type { Contestant, Prepared, Setting } from "./contestants.ts";
import { measure } from "./measure.ts";
import type { MemorySample } from "./measure.ts";
import type { BenchOptions } from "./options.ts";
import type { Scratch } from "./scratch.ts";
import type { BenchServer } from "./server.ts";
import { median } from "./statistics.ts";

/** In: a server and what is asked. Out: what each contestant did in each round. */

export interface RoundFigures {
  readonly calls: number;
  readonly succeeded: number;
  /** Calls that the server answered; more than `calls` where some were made again. */
  readonly served: number;
  readonly wallMs: number;
  readonly insideMs: number;
  /** Over the whole process, its start and end included. */
  readonly callsPerSecond: number;
  readonly insideCallsPerSecond: number;
  readonly peakBytes: number | null;
  /** Share of one core that the server took; null where that cannot be read. */
  readonly serverCpu: number | null;
}

export interface ContestantFigures {
  readonly name: string;
  readonly title: string;
  readonly calls: number;
  readonly callsPerSecond: { readonly median: number; readonly min: number; readonly max: number };
  readonly insideCallsPerSecond: number;
  /** Median over rounds of its rate to the bare loop's in the same round; null without that. */
  readonly ratio: number | null;
  readonly peakBytes: number | null;
  readonly rounds: readonly RoundFigures[];
}

export interface Comparison {
  readonly contestants: readonly ContestantFigures[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
  readonly warnings: readonly string[];
}

export interface BenchContext {
  readonly scratch: Scratch;
  readonly server: BenchServer;
  readonly options: BenchOptions;
  readonly signal: AbortSignal;
  /** Told before each round of each contestant. */
  readonly onStep: (step: string) => void;
}

/** Near enough to a whole core that a faster server might have given a faster loop. */
const BUSY_CPU = 0.85;

/** Largest to smallest rate of the bare loop, past which something else has used the machine. */
const UNSTEADY = 1.25;

export async function compare(context: BenchContext): Promise<Comparison> {
  const { options, onStep } = context;
  const asked = CONTESTANTS.filter(
    ({ name }) => options.only.length === 0 || options.only.includes(name),
  );
  const skipped = asked.flatMap(({ name, whyNot }) => {
    const reason = whyNot?.();
    return reason === undefined ? [] : [{ name, reason }];
  });
  const present = asked.filter(({ name }) => !skipped.some((one) => one.name === name));
  const rounds = new Map<string, RoundFigures[]>(present.map(({ name }) => [name, []]));
  for (let round = 1; round <= options.rounds; round++) {
    for (const contestant of present) {
      onStep(`round ${round} of ${options.rounds}: ${contestant.title}`);
      rounds.get(contestant.name)!.push(await runRound(context, contestant));
    }
  }
  const bare = rounds.get(BARE);
  const contestants = present.map(({ name, title }) =>
    summarise(name, title, rounds.get(name)!, bare),
  );
  return { contestants, skipped, warnings: warn(contestants) };
}

async function runRound(context: BenchContext, contestant: Contestant): Promise<RoundFigures> {
  const { scratch, server, options } = context;
  const { concurrency } = options;
  const calls = contestant.calls(options.calls);
  const setting: Setting = { scratch, url: server.url, calls, concurrency };
  const prepared = await contestant.prepare(setting);
  try {
    const { samples: _, ...figures } = await runMeasured(context, prepared, calls);
    return figures;
  } finally {
    await prepared.cleanUp();
  }
}

/** One run; throws unless every call succeeded and reached the server. */
export async function runMeasured(
  { scratch, server, signal }: BenchContext,
  prepared: Prepared,
  calls: number,
): Promise<RoundFigures & { readonly samples: readonly MemorySample[] }> {
  const servedBefore = await server.count();
  const cpuBefore = server.cpuMs();
  const { args, companions = [] } = prepared;
  const measured = await measure({ scratch, args, companions, signal });
  const { wallMs, stdout, peakBytes, samples } = measured;
  const cpuAfter = server.cpuMs();
  const served = (await server.count()) - servedBefore;
  const { succeeded, insideMs } = prepared.readResult(stdout);
  if (succeeded !== calls || served < calls) {
    throw new Error(
      `of ${calls} calls ${succeeded} succeeded and ${served} reached the server (node ${args.join(" ")})`,
    );
  }
  const cpuMs =
    cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore;
  return {
    calls,
    succeeded,
    served,
    wallMs,
    insideMs,
    callsPerSecond: (calls / wallMs) * 1000,
    insideCallsPerSecond: (calls / insideMs) * 1000,
    peakBytes,
    serverCpu: cpuMs === undefined ? null : cpuMs / insideMs,
    samples,
  };
}

function summarise(
  name: string,
  title: string,
  rounds: readonly RoundFigures[],
  bare: readonly RoundFigures[] | undefined,
): ContestantFigures {
  const rates = rounds.map(({ callsPerSecond }) => callsPerSecond);
  const peaks = rounds.flatMap(({ peakBytes }) => (peakBytes === null ? [] : [peakBytes]));
  const ratios = rates.flatMap((rate, round) => {
    const yardstick = bare?.[round];
    return yardstick === undefined ? [] : [rate / yardstick.callsPerSecond];
  });
  return {
    name,
    title,
    calls: rounds[0]?.calls ?? 0,
    callsPerSecond: { median: median(rates), min: Math.min(...rates), max: Math.max(...rates) },
    insideCallsPerSecond: median(rounds.map((round) => round.insideCallsPerSecond)),
    ratio: ratios.length === 0 ? null : median(ratios),
    peakBytes: peaks.length === 0 ? null : Math.max(...peaks),
    rounds,
  };
}

function warn(contestants: readonly ContestantFigures[]): string[] {
  const warnings: string[] = [];
  for (const { name, title, callsPerSecond, rounds } of contestants) {
    const spread = callsPerSecond.max / callsPerSecond.min;
    if (name === BARE && spread > UNSTEADY) {
      warnings.push(
        `The bare loop was ${spread.toFixed(1)} times as fast in one round as in another: something else used the machine. Repeat the bench when it is idle.`,
      );
    }
    const again = rounds.reduce((sum, { served, calls }) => sum + served - calls, 0);
    if (again > 0) warnings.push(`${title} made ${again} calls more than once.`);
    const cpu = median(rounds.map(({ serverCpu }) => serverCpu ?? 0));
    if (name === BARE && cpu >= BUSY_CPU) {
      warnings.push(
        `The server took ${Math.round(cpu * 100)} % of a core during the bare loop: it was the bottleneck, and ratios flatter the slower ones.`,
      );
    }
  }
  return warnings;
}
