import type { Scratch } from "../scratch.ts";

/** In: a scratch folder, and how long it may be. Out: figures, and the same as lines. */

export interface Scenario {
  readonly name: string;
  readonly title: string;
  play(context: FlowContext): Promise<Played>;
}

export interface FlowContext {
  readonly scratch: Scratch;
  readonly isShort: boolean;
  readonly signal: AbortSignal;
  /** Told before each run. */
  readonly onStep: (step: string) => void;
}

export interface Played {
  /** As `--json` tells them: plain values. */
  readonly figures: object;
  /** At most {@link COLUMNS} wide. */
  readonly lines: readonly string[];
  /** The most that the server's timers were late, but for one in a hundred; of all its runs. */
  readonly serverLateMs: number;
}

export const COLUMNS = 80;

/** `2.07 s`: a hundredth is what these figures differ by. */
export function formatSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
