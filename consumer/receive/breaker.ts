import type { BreakerPolicy } from "../../shared/model/policy.ts";

const BUCKETS = 10;

/**
 * Counts attempts at one destination in a sliding window, which moves on by tenths.
 *
 * It exists from the first failure until none is left in the window: what a destination answered well before that does not
 * count, so that it costs nothing, and a server that goes down is noticed after `minimum` attempts, however many it has
 * answered. opossum and cockatiel were looked at: they count in one process, and wrap each call in a promise.
 */
export class Breaker {
  readonly #policy: BreakerPolicy;
  readonly #failed = new Uint32Array(BUCKETS);
  readonly #all = new Uint32Array(BUCKETS);
  /** Number of the present bucket, counted from the epoch. */
  #bucket = 0;

  constructor(policy: BreakerPolicy) {
    this.#policy = policy;
  }

  note(failed: boolean, now: number): void {
    this.#moveTo(now);
    const at = this.#bucket % BUCKETS;
    this.#all[at]!++;
    if (failed) this.#failed[at]!++;
  }

  /** As many as the policy says have failed. */
  hasTripped(now: number): boolean {
    this.#moveTo(now);
    const all = sum(this.#all);
    return all >= this.#policy.minimum && sum(this.#failed) >= all * this.#policy.share;
  }

  /** No failure is left in the window. */
  isQuiet(now: number): boolean {
    this.#moveTo(now);
    return sum(this.#failed) === 0;
  }

  /** `20 of 20 attempts failed` */
  describe(): string {
    return `${sum(this.#failed)} of ${sum(this.#all)} attempts failed`;
  }

  #moveTo(now: number): void {
    const bucket = Math.floor(now / (this.#policy.windowMs / BUCKETS));
    const passed = Math.min(BUCKETS, bucket - this.#bucket);
    for (let step = 1; step <= passed; step++) {
      const at = (bucket - passed + step) % BUCKETS;
      this.#failed[at] = 0;
      this.#all[at] = 0;
    }
    if (passed > 0) this.#bucket = bucket;
  }
}

function sum(counts: Uint32Array): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}
