import type { BenchContext } from "./compare.ts";
import { runMeasured } from "./compare.ts";
import { prepareSenpu } from "./contestants.ts";
import { measure } from "./measure.ts";
import { SENPU } from "./senpu-plan.ts";
import { median } from "./statistics.ts";

/** How long a person waits for something small. */
export interface StartFigures {
  readonly help: Times;
  /** A run of one call, from nothing to its figures, broker and ledger new. */
  readonly oneCall: Times;
}

export interface Times {
  readonly medianMs: number;
  readonly minMs: number;
  readonly maxMs: number;
}

export async function measureStart(context: BenchContext): Promise<StartFigures> {
  const { scratch, server, options, signal, onStep } = context;
  const help: number[] = [];
  const oneCall: number[] = [];
  // The first of each fills the compile cache, as anybody's first command does; it does not count.
  for (let round = 0; round <= options.rounds; round++) {
    onStep(round === 0 ? "once before" : `round ${round} of ${options.rounds}`);
    const helped = await measure({ scratch, args: [SENPU, "--help"], signal });
    const setting = { scratch, url: server.url, calls: 1, concurrency: 1 };
    const prepared = await prepareSenpu(setting);
    try {
      const called = await runMeasured(context, prepared, 1);
      if (round === 0) continue;
      help.push(helped.wallMs);
      oneCall.push(called.wallMs);
    } finally {
      await prepared.cleanUp();
    }
  }
  return { help: summarise(help), oneCall: summarise(oneCall) };
}

function summarise(times: readonly number[]): Times {
  return { medianMs: median(times), minMs: Math.min(...times), maxMs: Math.max(...times) };
}
