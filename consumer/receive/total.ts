import type { Coordination, LaneLimit } from "../../shared/coordination/coordination.ts";
import { TOTAL } from "../../shared/model/lane.ts";
import { Pacer } from "./pacer.ts";
import { Slots } from "./slots.ts";

export interface TotalOptions {
  readonly coordination: Coordination;
  readonly worker: string;
  readonly onFailed: (error: unknown) => void;
}

/** What starts calls of one lane. */
export interface Pump {
  /** Starts one call, or sees one off that need not start; false: nothing more can be done now. */
  startOne(): boolean;
  /** Nothing more can be started now. */
  rest(): void;
}

/**
 * What all lanes of a worker share of the cap over all lanes.
 *
 * States: off (no run claims a total: lanes start their calls by themselves) ⇄ on (whatever may start is started here,
 * one call of each lane in turn, so that no lane starves).
 */
export class Total {
  isOn = false;
  readonly #slots: Slots;
  readonly #pacer: Pacer;
  /** The lane that has waited longest for its turn comes first. */
  readonly #lanes: Pump[] = [];
  readonly #demands = new Map<Pump, number>();
  #demand = 0;
  #pumping = false;
  #pumpAgain = false;

  constructor(options: TotalOptions) {
    const shared = { ...options, lane: TOTAL };
    const pump = (): void => this.pump();
    this.#slots = new Slots(Infinity, { ...shared, onGranted: pump });
    this.#pacer = new Pacer({ ...shared, workers: () => this.#slots.workers, onReady: pump });
  }

  /** Undefined: no run claims one. */
  setLimit(limit: LaneLimit | undefined): void {
    const ends = this.isOn && limit === undefined;
    this.isOn = limit !== undefined;
    this.#slots.setLimit(limit?.concurrency ?? Infinity);
    this.#pacer.setRate(limit?.rate);
    if (ends) this.pump();
  }

  /** Between two starts of all lanes; 0: no rate. */
  get intervalMs(): number {
    return this.#pacer.intervalMs;
  }

  join(lane: Pump): void {
    this.#lanes.push(lane);
  }

  leave(lane: Pump): void {
    const at = this.#lanes.indexOf(lane);
    if (at !== -1) this.#lanes.splice(at, 1);
    this.setDemand(lane, 0);
  }

  /** Calls of the lane that could be in flight now. */
  setDemand(lane: Pump, demand: number): void {
    this.#demand += demand - (this.#demands.get(lane) ?? 0);
    this.#demands.set(lane, demand);
    if (this.isOn) this.#slots.setDemand(this.#demand);
  }

  /** Is there a slot, and a start time if there is a rate? */
  isFree(): boolean {
    return this.#slots.isFree && this.#pacer.isDue(this.#demand - this.#slots.used);
  }

  take(timeoutMs: number): void {
    this.#slots.note(timeoutMs);
    this.#slots.take();
    this.#pacer.take();
  }

  give(): void {
    this.#slots.give();
  }

  /** Starts whatever may be started now, in every lane. */
  pump(): void {
    if (this.#pumping) {
      this.#pumpAgain = true;
      return;
    }
    this.#pumping = true;
    do {
      this.#pumpAgain = false;
      while (this.#startOne());
    } while (this.#pumpAgain);
    this.#pumping = false;
    for (const lane of this.#lanes) lane.rest();
  }

  /** No further start; resolves once the start times that were not used are given back. */
  stop(): Promise<void> {
    return this.#pacer.close();
  }

  /** Call when nothing is in flight. */
  async close(): Promise<void> {
    await this.stop();
    await this.#slots.close();
  }

  #startOne(): boolean {
    for (const [place, lane] of this.#lanes.entries()) {
      if (!lane.startOne()) continue;
      this.#lanes.splice(place, 1);
      this.#lanes.push(lane);
      return true;
    }
    return false;
  }
}
