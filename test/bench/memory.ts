import type { BenchContext, RoundFigures } from "./compare.ts";
import { runMeasured } from "./compare.ts";
import { prepareSenpu } from "./contestants.ts";
import type { MemorySample } from "./measure.ts";

/** One long run of senpu. */
export interface MemoryFigures extends RoundFigures {
  /** The most that was resident in each third of the run's time: where it grows, they do. */
  readonly thirdsBytes: readonly number[];
  readonly samples: readonly MemorySample[];
}

export async function measureMemory(context: BenchContext): Promise<MemoryFigures> {
  const { scratch, server, options, onStep } = context;
  const { calls, concurrency } = options;
  onStep(`senpu run of ${calls} calls`);
  const prepared = await prepareSenpu({ scratch, url: server.url, calls, concurrency });
  try {
    const figures = await runMeasured(context, prepared, calls);
    const { wallMs, samples } = figures;
    const thirdsBytes = [0, 1, 2].map((third) =>
      samples
        .filter(({ atMs }) => Math.min(2, Math.floor((atMs / wallMs) * 3)) === third)
        .reduce((most, { bytes }) => Math.max(most, bytes), 0),
    );
    return { ...figures, thirdsBytes };
  } finally {
    await prepared.cleanUp();
  }
}
