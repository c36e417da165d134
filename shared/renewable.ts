/** What a fetch brought. Both in epoch milliseconds. */
export interface Fetched<T> {
  readonly value: T;
  /** From then on it is fetched anew, beside its use. */
  readonly freshUntil: number;
  /** From then on it is of no use. Infinity: it is used until a new one is there. */
  readonly validUntil: number;
}

/** The last fetch was in vain. */
export interface FetchFailure {
  readonly error: unknown;
  /** Fetches in a row that were. */
  readonly count: number;
  /** Epoch milliseconds of the first of them, and of the last. */
  readonly since: number;
  readonly at: number;
  /** No fetch begins before this, epoch milliseconds. */
  readonly retryAt: number;
}

/** How long after a failure the next fetch waits, in milliseconds. */
export type RetryDelay = (failure: Omit<FetchFailure, "retryAt">) => number;

/**
 * A value that has to be fetched, and again from time to time; one fetch at a time, however many ask.
 *
 * States: nothing → fetching → there → (no longer fresh, or refused by whoever it is for) fetching beside its use →
 * there; or failed, until the delay after that is over. While a failure stands, a value that is still valid is used.
 */
export class Renewable<T> {
  readonly #fetch: () => Promise<Fetched<T>>;
  readonly #delay: RetryDelay;
  readonly #waiting = new Set<() => void>();
  #known: Fetched<T> | undefined;
  #flight: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Of the value: each fetch that brought one counts. 0: none has. */
  version = 0;
  failure: FetchFailure | undefined;

  constructor(fetch: () => Promise<Fetched<T>>, delay: RetryDelay) {
    this.#fetch = fetch;
    this.#delay = delay;
  }

  /** The value; undefined: it is being fetched, or `failure` says why not. Begins what is to be fetched. */
  get(now: number): T | undefined {
    const known = this.#known;
    if (known !== undefined && now < known.freshUntil) return known.value;
    if (this.#flight === undefined && now >= (this.failure?.retryAt ?? 0)) this.#begin(now);
    return known !== undefined && now < known.validUntil ? known.value : undefined;
  }

  get isFetching(): boolean {
    return this.#flight !== undefined;
  }

  /** The value of this version is not to be used any more; one that is newer stays. */
  discard(version: number): void {
    if (version === this.version) this.#known = undefined;
  }

  /** The value of this version is not fresh any more, but used until there is another. */
  age(version: number): void {
    if (version !== this.version || this.#known === undefined) return;
    this.#known = { ...this.#known, freshUntil: 0 };
  }

  /** Called once, when the fetch under way has ended, or, after a failure, the next may begin. */
  onChange(listener: () => void, now: number): void {
    this.#waiting.add(listener);
    if (this.#flight !== undefined || this.#timer !== undefined) return;
    // A timer may come a millisecond before the clock says so.
    const inMs = Math.max(1, (this.failure?.retryAt ?? 0) - now + 1);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#wake();
    }, inMs);
    this.#timer.unref();
  }

  #begin(now: number): void {
    this.#flight = this.#run(now);
  }

  async #run(now: number): Promise<void> {
    try {
      this.#known = await this.#fetch();
      this.version++;
      this.failure = undefined;
    } catch (error) {
      const { count = 0, since = now } = this.failure ?? {};
      const failure = { error, count: count + 1, since, at: Date.now() };
      this.failure = { ...failure, retryAt: failure.at + this.#delay(failure) };
    }
    this.#end();
  }

  #end(): void {
    this.#flight = undefined;
    this.#wake();
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const listener of waiting) listener();
  }
}
