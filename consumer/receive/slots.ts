import type { Coordination } from "../../shared/coordination/coordination.ts";

/** How often a lease is renewed and the lane's demand told. */
const RENEW_MS = 1000;
/** How soon it is renewed when more could be used than is granted. */
const HURRY_MS = 20;
/** A lease outlives its worker by the longest attempt, so that a killed worker's calls are over when its slots come back. */
const LEASE_MARGIN_MS = 3 * RENEW_MS;

export interface SlotsOptions {
  readonly coordination: Coordination;
  readonly lane: string;
  readonly worker: string;
  /** More slots have been granted. */
  readonly onGranted: () => void;
  readonly onFailed: (error: unknown) => void;
}

/**
 * This worker's share of a lane's concurrency, leased from coordination.
 * States: idle (nothing leased) ⇄ leased (renewed every second, sized by demand).
 */
export class Slots {
  readonly #options: SlotsOptions;
  #limit: number;
  #granted = 0;
  #used = 0;
  #demand = 0;
  #longestAttemptMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #renewing = false;
  #renewedAt = -Infinity;

  constructor(limit: number, options: SlotsOptions) {
    this.#limit = limit;
    this.#options = options;
  }

  /** The lane's limit; a smaller one acts from the next renewal. */
  setLimit(limit: number): void {
    this.#limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  get limit(): number {
    return this.#limit;
  }

  /** Takes a slot if one is free. */
  take(): boolean {
    if (this.#used >= this.#granted) return false;
    this.#used++;
    return true;
  }

  /** Attempts may take this long: the lease outlives its worker by the longest. */
  note(timeoutMs: number): void {
    if (timeoutMs > this.#longestAttemptMs) this.#longestAttemptMs = timeoutMs;
  }

  give(): void {
    this.#used--;
  }

  /** Calls that could be in flight now if there were slots enough. */
  setDemand(demand: number): void {
    this.#demand = demand;
    if (demand === 0) return;
    this.#timer ??= setInterval(() => void this.#renew(), RENEW_MS);
    const short = this.#granted < Math.min(demand, this.#limit);
    if (short && performance.now() - this.#renewedAt > HURRY_MS) void this.#renew();
  }

  /** Gives all slots back. Call when nothing is in flight. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#demand = 0;
    await this.#lease();
  }

  async #renew(): Promise<void> {
    if (this.#renewing) return;
    this.#renewing = true;
    this.#renewedAt = performance.now();
    try {
      const before = this.#granted;
      if (this.#demand === 0 && this.#used === 0) {
        clearInterval(this.#timer);
        this.#timer = undefined;
      }
      this.#granted = await this.#lease();
      if (this.#granted > before) this.#options.onGranted();
    } catch (error) {
      this.#options.onFailed(error);
    } finally {
      this.#renewing = false;
    }
  }

  #lease(): Promise<number> {
    const { coordination, lane, worker } = this.#options;
    return coordination.lease({
      lane,
      worker,
      wanted: Math.min(this.#limit, Math.max(this.#demand, this.#used)),
      held: this.#used,
      limit: this.#limit,
      ttlMs: this.#longestAttemptMs + LEASE_MARGIN_MS,
      now: Date.now(),
    });
  }
}
