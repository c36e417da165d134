import type { Coordination, LaneLimit } from "../../shared/coordination/coordination.ts";
import type { CallTask } from "./chunk.ts";
import type { Gate } from "./gate.ts";
import { Pacer } from "./pacer.ts";
import { Slots } from "./slots.ts";
import type { Pump, Total } from "./total.ts";

export interface PermitsOptions {
  readonly coordination: Coordination;
  readonly limit: LaneLimit;
  readonly worker: string;
  readonly total: Total;
  /** What was not there may be there now. */
  readonly onReady: () => void;
  readonly onFailed: (error: unknown) => void;
}

/** What a call of a lane takes to start, beside its destination's leave: slots and start times of the lane and of the total. */
export class Permits {
  readonly total: Total;
  readonly #slots: Slots;
  readonly #pacer: Pacer;

  constructor(options: PermitsOptions) {
    const { coordination, limit, worker, total, onReady, onFailed } = options;
    const shared = { coordination, lane: limit.lane, worker, onFailed };
    this.total = total;
    this.#slots = new Slots(limit.concurrency, { ...shared, onGranted: onReady });
    this.#pacer = new Pacer({
      ...shared,
      workers: () => this.#slots.workers,
      otherMs: () => total.intervalMs,
      onReady,
    });
    this.#pacer.setRate(limit.rate);
  }

  setLimit(limit: LaneLimit): void {
    this.#slots.setLimit(limit.concurrency);
    this.#pacer.setRate(limit.rate);
  }

  get used(): number {
    return this.#slots.used;
  }

  /** Calls in flight that the lane may have, over all workers. */
  get limit(): number {
    return this.#slots.limit;
  }

  /** Workers that share the lane. */
  get workers(): number {
    return this.#slots.workers;
  }

  /** `wanted`: calls at hand. */
  setDemand(lane: Pump, wanted: number): void {
    const demand = wanted + this.#slots.used;
    this.#slots.setDemand(demand);
    this.total.setDemand(lane, demand);
  }

  /** What is not there for one of so many calls; it tells when it is. Undefined: all is there. */
  missing(wanted: number): "concurrency" | "total" | "rate" | undefined {
    if (!this.#slots.isFree) return "concurrency";
    if (this.total.isOn && !this.total.isFree()) return "total";
    return this.#pacer.isDue(wanted) ? undefined : "rate";
  }

  /** Takes all that was there, and a slot of its destination's window. */
  take(task: CallTask, gate: Gate | undefined): void {
    const { policy } = task.chunk.message;
    const timeoutMs = task.call.timeoutMs ?? policy.timeoutMs;
    this.#slots.note(timeoutMs);
    this.#slots.take();
    this.#pacer.take();
    this.total.take(timeoutMs);
    gate?.take(task, policy, timeoutMs, Date.now());
  }

  give(): void {
    this.#slots.give();
    this.total.give();
  }

  /** No further start; resolves once the start times that were not used are given back. */
  stop(): Promise<void> {
    return this.#pacer.close();
  }

  /** Call when nothing is in flight. */
  close(): Promise<void> {
    return this.#slots.close();
  }
}
