import type { Coordination } from "../../shared/coordination/coordination.ts";
import { OutOfReach } from "../../shared/coordination/patience.ts";

/** How often a lease is renewed and the demand told. */
const RENEW_MS = 1000;
/** How often the workers are counted, for who hurries too. */
const COUNT_MS = 0.9 * RENEW_MS;
/** How soon it is renewed when more could be used than is granted; the wait doubles while that brings nothing, up to: */
const HURRY_MS = 20;
const MAX_HURRY_MS = 320;
/** A lease outlives its worker by the longest attempt, so that a killed worker's calls are over when its slots come back. */
const LEASE_MARGIN_MS = 3 * RENEW_MS;
/** Stands for no limit: whoever shares a rate is counted by its lease. */
const MOST_SLOTS = 1_000_000;

export interface SlotsOptions {
  readonly coordination: Coordination;
  /** The lease's key: a lane, `*`, or `<lane> <origin>` for a destination's window. */
  readonly lane: string;
  readonly worker: string;
  /** More slots have been granted. */
  readonly onGranted: () => void;
  readonly onFailed: (error: unknown) => void;
}

/**
 * This worker's share of a limit on calls in flight, leased from coordination.
 *
 * States: idle (nothing leased) ⇄ leased (renewed every second, sized by demand) ⇄ out of reach.
 * Out of reach, a worker keeps what was granted, but no more than its equal share of the limit among the workers seen
 * last, and at least one slot if it has any; when the lease has run out, so that what others held beyond their shares is
 * over, it may use its whole share. So the limit holds as long as all workers have lost coordination alike; where only
 * some have, those may exceed it by their shares. Who was never granted any starts nothing.
 */
export class Slots {
  readonly #options: SlotsOptions;
  #limit: number;
  #granted = 0;
  #used = 0;
  #demand = 0;
  #longestAttemptMs = 0;
  #workers = 1;
  #timer: NodeJS.Timeout | undefined;
  #renewing = false;
  #renewal: Promise<void> = Promise.resolve();
  #isClosed = false;
  #renewedAt = -Infinity;
  #countedAt = -Infinity;
  #hurryMs = HURRY_MS;
  /** What a lease that is not answered yet was told is held: more of the old one may be others' already. */
  #asked = Infinity;
  /** `performance.now()`: until then coordination keeps what is granted for this worker. */
  #leasedUntil = 0;

  constructor(limit: number, options: SlotsOptions) {
    this.#limit = limit;
    this.#options = options;
  }

  /** At least 1; fractions are floored. A smaller one acts at once on what is started here. */
  setLimit(limit: number): void {
    const shrinks = limit < this.#limit;
    if (limit !== this.#limit) this.#hurryMs = HURRY_MS;
    this.#limit = limit;
    // So that others may have what this one no longer may use.
    if (shrinks && this.#granted > this.limit) this.#renewSoon();
  }

  get used(): number {
    return this.#used;
  }

  get limit(): number {
    return Math.max(1, Math.floor(Math.min(this.#limit, MOST_SLOTS)));
  }

  /** Workers that shared the limit when coordination last told, this one included. */
  get workers(): number {
    return this.#workers;
  }

  get isFree(): boolean {
    return this.#used < this.#granted && this.#used < this.limit && this.#used < this.#asked;
  }

  /** Slots are used by calls that started before this was there. */
  adopt(used: number): void {
    this.#used += used;
  }

  /** Takes a free slot. */
  take(): void {
    this.#used++;
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
    if (demand === 0 || this.#isClosed) return;
    this.#timer ??= setInterval(() => this.#renewSoon(), RENEW_MS);
    const short = this.#granted < Math.min(demand, this.limit);
    if (short && performance.now() - this.#renewedAt > this.#hurryMs) this.#renewSoon();
  }

  /** Gives all slots back. Call when nothing is in flight. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#demand = 0;
    this.#isClosed = true;
    // Else it would be leased again.
    await this.#renewal;
    try {
      if (this.#leasedUntil > 0) await this.#lease();
    } catch (error) {
      // The lease ends by itself.
      if (!(error instanceof OutOfReach)) throw error;
    }
  }

  #renewSoon(): void {
    if (this.#renewing || this.#isClosed) return;
    this.#renewing = true;
    this.#renewal = this.#renew();
  }

  async #renew(): Promise<void> {
    const now = performance.now();
    this.#renewedAt = now;
    const before = this.#granted;
    try {
      if (this.#demand === 0 && this.#used === 0) {
        clearInterval(this.#timer);
        this.#timer = undefined;
      }
      // Whether others come or go matters less than what is granted now; but who always hurries must hear of it too.
      if (now - this.#countedAt >= COUNT_MS) await this.#countWorkers(now);
      await this.#lease();
    } catch (error) {
      if (!(error instanceof OutOfReach)) this.#options.onFailed(error);
      this.#granted = this.#grantedOutOfReach();
    } finally {
      this.#renewing = false;
    }
    this.#hurryMs = this.#granted > before ? HURRY_MS : Math.min(MAX_HURRY_MS, this.#hurryMs * 2);
    // What was free before was held back while the lease was asked for.
    if (this.isFree) this.#options.onGranted();
  }

  /** What is used is not taken away: a share below that only lets nothing new start. */
  #grantedOutOfReach(): number {
    if (this.#leasedUntil === 0) return 0;
    const floor = this.#granted > 0 ? 1 : 0;
    const share = Math.max(floor, Math.floor(this.limit / this.#workers));
    if (performance.now() >= this.#leasedUntil) return share;
    return Math.min(this.#granted, share);
  }

  async #countWorkers(now: number): Promise<void> {
    this.#countedAt = now;
    const { coordination, lane } = this.#options;
    const leased = await coordination.workers(lane, Date.now());
    // While it has no lease yet it is not among them.
    this.#workers = Math.max(1, leased + (this.#granted === 0 ? 1 : 0));
  }

  async #lease(): Promise<void> {
    const { coordination, lane, worker } = this.#options;
    const ttlMs = this.#longestAttemptMs + LEASE_MARGIN_MS;
    const held = this.#used + this.#ahead();
    this.#asked = held;
    try {
      this.#granted = await coordination.lease({
        lane,
        worker,
        wanted: Math.min(this.limit, Math.max(this.#demand, held)),
        held,
        limit: this.limit,
        ttlMs,
        now: Date.now(),
      });
      this.#leasedUntil = performance.now() + ttlMs;
    } finally {
      this.#asked = Infinity;
    }
  }

  /**
   * Half of what could be taken counts as held while a lease is asked for, so that calls can start meanwhile: else all
   * start times of a lane that come due on the way to a distant store and back are missed.
   */
  #ahead(): number {
    const most = Math.min(this.#demand, this.#granted, this.limit);
    return Math.max(0, Math.floor((most - this.#used) / 2));
  }
}
