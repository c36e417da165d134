import type { Broker } from "../../shared/broker/broker.ts";
import { LEDGER_QUEUE, laneQueue } from "../../shared/broker/broker.ts";

/** Bytes of chunks that a lane may have outstanding: some hundred chunks, so that no worker runs dry between two looks. */
const WINDOW_BYTES = 4_000_000;
/** How often a full window is looked at again. */
const LOOK_MS = 50;

/**
 * How much more a lane may be given, from the depth of its queue, so that a backlog of any size needs no memory.
 * What the recorder has not read yet counts too.
 */
export class Window {
  readonly #broker: Broker;
  readonly #lane: string;
  #outstandingBytes = 0;
  #messages = 0;
  #bytes = 0;
  #lookedAt = -Infinity;

  constructor(broker: Broker, lane: string) {
    this.#broker = broker;
    this.#lane = lane;
  }

  note(bytes: number): void {
    this.#outstandingBytes += bytes;
    this.#messages++;
    this.#bytes += bytes;
  }

  /** Looks at the queue only when what was published since the last look would fill the window. */
  async isFull(): Promise<boolean> {
    if (this.#outstandingBytes < WINDOW_BYTES) return false;
    if (performance.now() - this.#lookedAt < LOOK_MS) return true;
    this.#lookedAt = performance.now();
    const [lane, ledger] = await Promise.all([
      this.#broker.depth(laneQueue(this.#lane)),
      this.#broker.depth(LEDGER_QUEUE),
    ]);
    // Deferred calls are not the producer's: waiting for them would let one closed destination hold up all.
    const messages = Math.max(lane.visible + lane.notVisible, ledger.visible + ledger.notVisible);
    this.#outstandingBytes = messages * (this.#bytes / this.#messages);
    return this.#outstandingBytes >= WINDOW_BYTES;
  }

  /** Resolves once there is room, or the signal aborts. */
  async room(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await this.isFull())) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
}
