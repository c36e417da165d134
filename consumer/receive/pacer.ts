import type { Coordination } from "../../shared/coordination/coordination.ts";
import { OutOfReach } from "../../shared/coordination/patience.ts";
import { SenpuError } from "../../shared/errors.ts";
import type { Rate } from "../../shared/model/lane.ts";

/** Start times taken at once: a quarter of a second's worth shared by the workers, so that who joins finds some left. */
const BLOCK_MS = 250;
/** The next block is reserved so long before the present one ends, and by what reserving takes. */
const LEAD_MS = 40;
/**
 * The receiving end measures. What this share of the rate leaves free, 15 ms a second, is for lateness: some for timers
 * here, the rest for jitter on the way.
 */
const MARGIN = 0.985;
/** A start that is late by no more leaves the times after it as they are. */
const SLACK_MS = 6;

export interface PacerOptions {
  readonly coordination: Coordination;
  readonly lane: string;
  /** Workers that share the rate, as seen last. */
  readonly workers: () => number;
  /** How long a start that is due may have to wait for another rate that holds as well, in milliseconds. */
  readonly otherMs?: () => number;
  /** A start that was not due may be due now. */
  readonly onReady: () => void;
  readonly onFailed: (error: unknown) => void;
}

/** Consecutive start times, epoch milliseconds. */
interface Block {
  /** Whose share they are; absent: this worker's own, taken out of coordination's reach. */
  readonly rate?: Rate;
  /** The first not taken. */
  nextAt: number;
  /** No start of the block is later than this, and the slack. */
  readonly lastAt: number;
  readonly intervalMs: number;
}

/**
 * Start times of one lane for one worker, from blocks that it reserves in coordination, the next before the present one
 * runs out. Nothing is reserved without a call that waits for it.
 *
 * What is missed is never made up for: a late start moves those after it, and what then passes the block's end is
 * discarded. Otherwise a start late by an interval, and the next on time, would be one too many where they arrive.
 * A burst's worth of times may lie in the past, and be late by as much.
 * Out of reach, each worker spaces its starts by its share of the rate, on its own clock: in any second at most the rate
 * and one more a worker.
 */
export class Pacer {
  readonly #options: PacerOptions;
  #rate: Rate | undefined;
  #block: Block | undefined;
  #following: Block | undefined;
  /** Of the last block. */
  #lastAt = 0;
  #reserving = false;
  /** What reserving takes. */
  #latencyMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  /** What is asked of coordination at the moment. */
  #asking: Promise<void> = Promise.resolve();

  constructor(options: PacerOptions) {
    this.#options = options;
  }

  /** Undefined: no limit. A change holds from the next block. */
  setRate(rate: Rate | undefined): void {
    this.#rate = rate;
  }

  get rate(): Rate | undefined {
    return this.#rate;
  }

  /** Between two starts; 0: no limit. */
  get intervalMs(): number {
    return this.#rate === undefined ? 0 : this.#rate.perMs / (this.#rate.count * this.#share);
  }

  /** Of the rate: what waits for another rate may be late by as much more. */
  get #share(): number {
    return 1 / (1 / MARGIN + this.#otherMs / 1000);
  }

  get #otherMs(): number {
    return this.#options.otherMs?.() ?? 0;
  }

  /**
   * Has a start time come? False: not yet, `onReady` follows. `wanted`: calls that could start now if theirs had.
   */
  isDue(wanted: number): boolean {
    if (this.#rate === undefined) return true;
    const now = Date.now();
    const burstMs = (burstOf(this.#rate) - 1) * this.intervalMs;
    const slackMs = SLACK_MS + this.#otherMs + burstMs;
    let block = this.#present(now, slackMs);
    if (block === undefined || block.lastAt - now < LEAD_MS + 2 * this.#latencyMs) {
      this.#askFor(this.#rate, wanted - startsLeft(block) - startsLeft(this.#following));
      block = this.#block;
    }
    if (block === undefined) return false;
    if (block.nextAt <= now) return true;
    this.#wake(block.nextAt - now);
    return false;
  }

  /** Takes the start time that is due. */
  take(): void {
    if (this.#block !== undefined) this.#block.nextAt += this.#block.intervalMs;
  }

  /** No further start: gives back the times that were not taken, the last ones first. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#asking;
    const blocks = [this.#following, this.#block];
    this.#block = undefined;
    this.#following = undefined;
    for (const block of blocks) {
      if (block?.rate === undefined) continue;
      const { coordination, lane } = this.#options;
      const unused = { from: block.nextAt, until: block.lastAt + block.intervalMs };
      await coordination.giveBackStarts(lane, block.rate, unused).catch((error: unknown) => {
        // Then they are gone.
        if (!(error instanceof SenpuError)) this.#options.onFailed(error);
      });
    }
  }

  /** The block whose times are not all taken or missed. */
  #present(now: number, slackMs: number): Block | undefined {
    for (;;) {
      const block = this.#block;
      if (block === undefined) return undefined;
      if (block.nextAt < now - slackMs) block.nextAt = now - slackMs;
      // At most half an interval, so that no rounding makes one more of them.
      const moved = Math.min(SLACK_MS, block.intervalMs) / 2;
      if (block.nextAt < block.lastAt + moved) return block;
      this.#block = this.#following;
      this.#following = undefined;
    }
  }

  #wake(ms: number): void {
    if (this.#isClosed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#options.onReady();
    }, ms);
  }

  #askFor(rate: Rate, wanted: number): void {
    if (this.#reserving || this.#following !== undefined || wanted <= 0 || this.#isClosed) return;
    this.#reserving = true;
    this.#asking = this.#reserve(rate, wanted);
  }

  async #reserve(rate: Rate, wanted: number): Promise<void> {
    const { coordination, lane, workers, onReady, onFailed } = this.#options;
    const sharing = Math.max(1, workers());
    const intervalOfAll = this.intervalMs;
    const ahead = Math.max(BLOCK_MS / intervalOfAll, burstOf(rate)) / sharing;
    const count = Math.max(1, Math.min(wanted, Math.floor(ahead)));
    const before = performance.now();
    try {
      // When the answer is there, the first must not be late already.
      const now = Date.now() + this.#latencyMs;
      const held: Rate = { ...rate, count: rate.count * this.#share };
      const firstAt = await coordination.reserve(lane, held, count, now);
      const tookMs = performance.now() - before;
      this.#latencyMs = Math.max(tookMs, this.#latencyMs * 0.9);
      this.#add({ ...makeBlock(firstAt, count, intervalOfAll), rate });
    } catch (error) {
      if (!(error instanceof OutOfReach)) onFailed(error);
      else this.#add(this.#ownBlock(count, intervalOfAll * sharing));
    } finally {
      this.#reserving = false;
    }
    onReady();
  }

  #ownBlock(count: number, ownIntervalMs: number): Block {
    return makeBlock(Math.max(Date.now(), this.#lastAt + ownIntervalMs), count, ownIntervalMs);
  }

  #add(block: Block): void {
    this.#lastAt = block.lastAt;
    if (this.#block === undefined) this.#block = block;
    else this.#following = block;
  }
}

function makeBlock(firstAt: number, count: number, interval: number): Block {
  return { nextAt: firstAt, lastAt: firstAt + (count - 1) * interval, intervalMs: interval };
}

function startsLeft(block: Block | undefined): number {
  if (block === undefined) return 0;
  return Math.max(0, Math.round((block.lastAt - block.nextAt) / block.intervalMs) + 1);
}

function burstOf(rate: Rate): number {
  return rate.burst ?? 1;
}
