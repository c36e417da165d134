/** Two clocks drift apart by at most so much: a tenth of a millisecond a second each, which is what quartz does at worst. */
const MAX_DRIFT = 0.0002;
/** What a `Date` header leaves off. Source: RFC 9110, 5.6.7: whole seconds. */
const RESOLUTION_MS = 1_000;
/** Bounds that are closer say more than a belief that they have just refuted. */
const NARROW_MS = 100;
/** A clock that is farther off is not just imprecise: nothing about it is worth keeping. */
const FAR_MS = 1_000;

/**
 * How far the store's clock is ahead of this machine's, from the `Date` headers of its answers.
 *
 * Each answer bounds it: the store wrote D somewhere between `sentAt` and `receivedAt` of this clock, when its own
 * stood in [D, D + 1 s). Bounds of many answers intersect to about one round trip, and are widened with age.
 * States: trusting (no answer yet: the clocks agree) → bounded. An answer that contradicts the bounds means that a clock
 * was set anew, and starts them afresh.
 *
 * An estimate that is still possible is kept, so that start times of a clock that is right do not shake with every
 * answer; one that is refuted moves into the bounds, to their middle once they are narrow or it was far off.
 * It is therefore off by no more than the bounds are wide: after some seconds, by a round trip at the most.
 */
export class StoreClock {
  readonly #clock: () => number;
  #offsetMs = 0;
  #lowestMs = -Infinity;
  #highestMs = Infinity;
  #widenedAt = 0;

  /** `clock`: this machine's, epoch milliseconds. */
  constructor(clock: () => number = Date.now) {
    this.#clock = clock;
  }

  /** This machine's time. */
  localNow(): number {
    return this.#clock();
  }

  /** The store's time, as well as it is known. */
  now(): number {
    return this.toStore(this.#clock());
  }

  toStore(localAt: number): number {
    return localAt + this.#offsetMs;
  }

  toLocal(storeAt: number): number {
    return storeAt - this.#offsetMs;
  }

  /** How far the estimate can be off, in milliseconds; Infinity before the first answer. */
  get uncertaintyMs(): number {
    return this.#highestMs - this.#lowestMs;
  }

  /** An answer came: its `Date` in epoch milliseconds, and when, by this clock, its request was sent and it was received. */
  note(dateMs: number, sentAt: number, receivedAt: number): void {
    // A clock that was set back while the request was under way bounds nothing.
    if (receivedAt < sentAt || !Number.isFinite(dateMs)) return;
    this.#widen(receivedAt);
    const lowestMs = dateMs - receivedAt;
    const highestMs = dateMs + RESOLUTION_MS - sentAt;
    const contradicts = lowestMs > this.#highestMs || highestMs < this.#lowestMs;
    this.#lowestMs = contradicts ? lowestMs : Math.max(this.#lowestMs, lowestMs);
    this.#highestMs = contradicts ? highestMs : Math.min(this.#highestMs, highestMs);
    this.#settle();
  }

  #widen(at: number): void {
    const agedMs = Math.abs(at - this.#widenedAt);
    this.#lowestMs -= agedMs * MAX_DRIFT;
    this.#highestMs += agedMs * MAX_DRIFT;
    this.#widenedAt = at;
  }

  #settle(): void {
    const possible = Math.min(Math.max(this.#offsetMs, this.#lowestMs), this.#highestMs);
    const refutedByMs = Math.abs(possible - this.#offsetMs);
    if (refutedByMs === 0) return;
    const isNarrow = this.uncertaintyMs <= NARROW_MS;
    this.#offsetMs =
      isNarrow || refutedByMs > FAR_MS ? (this.#lowestMs + this.#highestMs) / 2 : possible;
  }
}
