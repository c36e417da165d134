import type { Coordination } from "../../shared/coordination/coordination.ts";
import type { Rate } from "../../shared/model/lane.ts";

/** Start times taken at once: a quarter of a second's worth, so that workers that join find some left. */
const BLOCK_MS = 250;
/** The receiving end measures; jitter on the way must not push it past the limit. */
const MARGIN = 0.99;
/** Timers are no finer: a start that is late by no more leaves the times after it as they are. */
const TIMER_SLACK_MS = 4;

/**
 * Start times of one lane for one worker, from blocks that it reserves in coordination.
 * What is missed is never made up for: a late start moves those after it, and what then passes the block's end is
 * discarded. Otherwise a start late by an interval, and the next on time, would be one too many where they arrive.
 */
export class Pacer {
  readonly #coordination: Coordination;
  readonly #lane: string;
  readonly #onReady: () => void;
  readonly #onFailed: (error: unknown) => void;
  #rate: Rate | undefined;
  #nextAt = 0;
  /** No start of the present block is at or after this. */
  #endAt = 0;
  #reserving = false;
  #timer: NodeJS.Timeout | undefined;

  /** `onReady` is called when a start that `take` refused may be tried again. */
  constructor(
    coordination: Coordination,
    lane: string,
    onReady: () => void,
    onFailed: (error: unknown) => void,
  ) {
    this.#coordination = coordination;
    this.#lane = lane;
    this.#onReady = onReady;
    this.#onFailed = onFailed;
  }

  /** Undefined: no limit. A change holds from the next block. */
  setRate(rate: Rate | undefined): void {
    this.#rate = rate;
  }

  /** Takes a start time that has come; false: not yet, `onReady` follows. */
  take(): boolean {
    if (this.#rate === undefined) return true;
    const now = Date.now();
    this.#nextAt = Math.max(this.#nextAt, now - TIMER_SLACK_MS);
    if (this.#nextAt >= this.#endAt) {
      void this.#reserve(this.#rate);
      return false;
    }
    if (this.#nextAt > now) {
      this.#wake(this.#nextAt - now);
      return false;
    }
    this.#nextAt += this.#intervalMs(this.#rate);
    return true;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #wake(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#onReady();
    }, ms);
  }

  #intervalMs(rate: Rate): number {
    return rate.perMs / (rate.count * MARGIN);
  }

  async #reserve(rate: Rate): Promise<void> {
    if (this.#reserving) return;
    this.#reserving = true;
    try {
      const now = Date.now();
      const workers = Math.max(1, await this.#coordination.workers(this.#lane, now));
      const held: Rate = { count: rate.count * MARGIN, perMs: rate.perMs };
      const count = Math.max(1, Math.floor(BLOCK_MS / this.#intervalMs(rate) / workers));
      this.#nextAt = await this.#coordination.reserve(this.#lane, held, count, now);
      // Half an interval less, so that no rounding makes one more of them.
      this.#endAt = this.#nextAt + (count - 0.5) * this.#intervalMs(rate);
      this.#onReady();
    } catch (error) {
      this.#onFailed(error);
    } finally {
      this.#reserving = false;
    }
  }
}
