import type { Broker, Delivery } from "../../shared/broker/broker.ts";
import { SQS_MAX_BATCH_ENTRIES, SQS_MAX_WAIT_SECONDS } from "../../shared/limits.ts";

/** Deliveries held at once. More would wait so long for their turn that they might become visible again. */
const MAX_HELD = 100;
/** Receives beside the long poll, while there is a backlog. */
const MAX_HELPERS = 2;

/**
 * Deliveries of a queue, received ahead of their use, so that receiving and using overlap.
 *
 * States: `receiving`, with one long poll open, and a few short ones while each of them comes back full; `ending` once
 * stopped, while receives that were open may still bring something; `over` when nothing more can come.
 */
export class Inbox {
  readonly #broker: Broker;
  readonly #queue: string;
  readonly #ending = new AbortController();
  readonly #held: Delivery[] = [];
  #helpers = 0;
  #over = false;
  #error: unknown;
  /** Resolved at each change of what is held or of the state. */
  #change = Promise.withResolvers<void>();

  constructor(broker: Broker, queue: string) {
    this.#broker = broker;
    this.#queue = queue;
    void this.#receive();
  }

  /** Up to `max` deliveries, once there is one; empty when it is over. Throws what receiving threw, once nothing is held. */
  async take(max: number): Promise<Delivery[]> {
    for (;;) {
      if (this.#held.length > 0) {
        const taken = this.#held.splice(0, max);
        this.#changed();
        return taken;
      }
      if (this.#error !== undefined) throw this.#error;
      if (this.#over) return [];
      await this.#change.promise;
    }
  }

  /** Receives nothing more; what is held can still be taken. */
  end(): void {
    this.#ending.abort();
    this.#changed();
  }

  /** What was received and not taken, once no receive is open any more. */
  async remainder(): Promise<Delivery[]> {
    this.end();
    while (!this.#over) await this.#change.promise;
    return this.#held.splice(0);
  }

  async #receive(): Promise<void> {
    try {
      await this.#poll(false);
    } catch (error) {
      this.#error = error;
      this.#ending.abort();
    }
    while (this.#helpers > 0) await this.#change.promise;
    this.#over = true;
    this.#changed();
  }

  /** The long poll goes on until the end, a helper until a receive is not full. */
  async #poll(isHelper: boolean): Promise<void> {
    const { signal } = this.#ending;
    let isBacklog = isHelper;
    while (!signal.aborted) {
      if (this.#held.length >= MAX_HELD) {
        await this.#change.promise;
        continue;
      }
      const deliveries = await this.#broker.receive(this.#queue, {
        maxMessages: SQS_MAX_BATCH_ENTRIES,
        // Only a poll that waits is cut short: what an answer on its way brings would be nobody's until it is visible again.
        ...(isBacklog ? { waitSeconds: 0 } : { waitSeconds: SQS_MAX_WAIT_SECONDS, signal }),
      });
      this.#held.push(...deliveries);
      if (deliveries.length > 0) this.#changed();
      isBacklog = deliveries.length === SQS_MAX_BATCH_ENTRIES;
      if (isBacklog) this.#callHelper();
      else if (isHelper) return;
    }
  }

  #callHelper(): void {
    if (this.#helpers >= MAX_HELPERS) return;
    this.#helpers++;
    this.#poll(true)
      .catch((error: unknown) => {
        this.#error = error;
        this.#ending.abort();
      })
      .finally(() => {
        this.#helpers--;
        this.#changed();
      });
  }

  #changed(): void {
    const { resolve } = this.#change;
    this.#change = Promise.withResolvers<void>();
    resolve();
  }
}
