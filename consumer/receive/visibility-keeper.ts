import type { Broker } from "../../shared/broker/broker.ts";
import { LANE_VISIBILITY_SECONDS } from "../../shared/broker/topology.ts";

/** The timeout is begun anew three times before it ends. */
const EXTEND_MS = (LANE_VISIBILITY_SECONDS * 1000) / 3;

/** Keeps deliveries invisible to others while this worker holds them, whether their calls are in flight or waiting. */
export class VisibilityKeeper {
  readonly #broker: Broker;
  readonly #queue: string;
  readonly #onFailed: (error: unknown) => void;
  readonly #receipts = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(broker: Broker, queue: string, onFailed: (error: unknown) => void) {
    this.#broker = broker;
    this.#queue = queue;
    this.#onFailed = onFailed;
  }

  add(receipt: string): void {
    this.#receipts.set(receipt, performance.now());
    this.#timer ??= setInterval(() => this.#extend(), EXTEND_MS);
  }

  drop(receipt: string): void {
    this.#receipts.delete(receipt);
    if (this.#receipts.size === 0) this.close();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Most chunks are over before their first extension; only what was held for a while needs one. */
  #extend(): void {
    const now = performance.now();
    const due = [...this.#receipts]
      .filter(([, since]) => now - since > EXTEND_MS / 2)
      .map(([receipt]) => receipt);
    if (due.length === 0) return;
    this.#broker
      .extend(this.#queue, due, LANE_VISIBILITY_SECONDS)
      .then((expired) => {
        // Somebody else has them now; what is settled here is accounted once all the same.
        for (const receipt of expired) this.drop(receipt);
        return undefined;
      })
      .catch(this.#onFailed);
  }
}
