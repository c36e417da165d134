import { laneQueue } from "../../shared/broker/broker.ts";
import type { LaneActivity } from "../../shared/command.ts";
import type { LaneLimit } from "../../shared/coordination/coordination.ts";
import { OutOfReach } from "../../shared/coordination/patience.ts";
import type { CutCalls } from "../execute/executor-host.ts";
import { LaneWorker } from "./lane-worker.ts";
import type { LaneWorkerOptions } from "./lane-worker-options.ts";
import { Receiver } from "./receiver.ts";

const always = (): boolean => true;

/**
 * Works one lane's queue for as long as its process lives.
 *
 * In: what long polls bring, as much as the lane can use. Out: what {@link LaneWorker} makes of it.
 * States: polling → stopping (receives nothing; what an open poll still brings is put back) → stopped.
 */
export class LanePoller {
  readonly #lane: LaneWorker;
  readonly #receiver: Receiver;
  readonly #receiving: Promise<void>;
  readonly #stop = new AbortController();

  constructor(options: Omit<LaneWorkerOptions, "hasTime" | "countsCuts">) {
    const { broker, limit, onFailed } = options;
    this.#lane = new LaneWorker({
      ...options,
      hasTime: always,
      onRoom: () => this.#receiver.wake(),
    });
    this.#receiver = new Receiver({
      broker,
      queue: laneQueue(limit.lane),
      signal: this.#stop.signal,
      missing: () => this.#lane.missing(),
      open: (deliveries) => this.#lane.open(deliveries),
    });
    this.#receiving = this.#receiver.run().catch((error: unknown) => {
      // Who stops waits no longer for what must be known of messages: they come again.
      if (!(this.#stop.signal.aborted && error instanceof OutOfReach)) onFailed(error);
    });
  }

  activity(): LaneActivity {
    return this.#lane.activity();
  }

  setLimit(limit: LaneLimit): void {
    this.#lane.setLimit(limit);
  }

  /** Finishes what is in flight, within `graceMs`, and puts the rest back; returns what was cut then. */
  stop(graceMs: number): Promise<CutCalls> {
    this.#stop.abort();
    const stopped = this.#lane.stop(graceMs, this.#receiving);
    this.#receiver.wake();
    return stopped;
  }
}
