import { setTimeout as sleep } from "node:timers/promises";
import type { Broker, Delivery } from "../../shared/broker/broker.ts";
import { SQS_MAX_BATCH_ENTRIES } from "../../shared/limits.ts";

/** Messages of a queue that are read and not removed; nobody else sees them meanwhile. */

/** What a killed reader leaves hidden is back after this; more where there is much to read. */
const LEAST_SECONDS = 60;
/** Slow brokers manage this; a read that takes longer than its hold would see its first messages again. */
const READ_PER_SECOND = 100;
/** Source: SQS quotas, visibility timeout of 12 hours. */
const MOST_SECONDS = 43_200;
/** What another reader has just released is there within this: so two commands in a row see the same. */
const RELEASED_MS = 2_000;
const LOOK_MS = 100;
/** Receives at the same time: SQS answers each with ten messages at the most. */
const READERS = 4;
/** Receipts extended or released in one call of the port. */
const RECEIPTS_AT_ONCE = 500;

export interface ReadOptions {
  readonly queue: string;
  /** Messages at the most. Default: all there are. */
  readonly max?: number;
  readonly onDelivery: (delivery: Delivery) => void;
  /** Messages of the queue read so far, and about how many there are to read. */
  readonly onProgress?: ((read: number, expected: number) => void) | undefined;
  /** Ends the reading; what was read stays held. */
  readonly signal?: AbortSignal | undefined;
}

export interface QueueRead {
  readonly queue: string;
  readonly read: number;
  /** Left where they are, because enough were read. */
  readonly unread: number;
  /** Hidden by another reader. */
  readonly elsewhere: number;
}

/**
 * Holds what it has read until it is released or removed.
 * With `keep` it holds for as long as it takes, extending what is held; without, for as long as the reading may take.
 */
export class Hold {
  readonly #broker: Broker;
  readonly #receipts = new Map<string, Set<string>>();
  #timer: NodeJS.Timeout | undefined;
  #seconds = LEAST_SECONDS;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  async read(options: ReadOptions): Promise<QueueRead> {
    const { queue, max = Infinity, onDelivery, onProgress, signal } = options;
    const before = await this.#broker.depth(queue);
    const expected = Math.min(max, before.visible);
    // What is hidden now may be back before the end.
    const seconds = holdSeconds(Math.min(max, before.visible + before.notVisible));
    this.#seconds = Math.max(this.#seconds, seconds);
    const held = this.#heldIn(queue);
    let claimed = 0;
    let read = 0;
    const readOn = async (): Promise<void> => {
      while (claimed < max) {
        if (signal?.aborted === true) return;
        const want = Math.min(SQS_MAX_BATCH_ENTRIES, max - claimed);
        claimed += want;
        const deliveries = await this.#broker.receive(queue, {
          maxMessages: want,
          // SQS answers a receive that does not wait from some of its servers only: empty may mean nothing.
          waitSeconds: read < expected ? 1 : 0,
          visibilitySeconds: seconds,
        });
        claimed -= want - deliveries.length;
        if (deliveries.length === 0) return;
        read += deliveries.length;
        for (const delivery of deliveries) {
          held.add(delivery.receipt);
          onDelivery(delivery);
        }
        onProgress?.(read, Math.max(read, expected));
      }
    };
    const until = performance.now() + RELEASED_MS;
    for (;;) {
      await Promise.all(Array.from({ length: READERS }, readOn));
      const after = await this.#broker.depth(queue);
      const elsewhere = Math.max(0, after.notVisible - held.size);
      const isOver = elsewhere === 0 || read >= max || performance.now() > until;
      if (isOver || signal?.aborted === true) {
        return { queue, read, unread: after.visible, elsewhere };
      }
      await sleep(LOOK_MS);
    }
  }

  /** From now on what is held stays so, until `release`. */
  keep(onFailed: (error: unknown) => void): void {
    this.#timer ??= setInterval(
      () => {
        for (const [queue, receipts] of this.#receipts) {
          inParts([...receipts], (part) => this.#broker.extend(queue, part, this.#seconds)).catch(
            onFailed,
          );
        }
      },
      (this.#seconds * 1000) / 3,
    );
  }

  /** Of those that are held. */
  async remove(queue: string, receipts: readonly string[]): Promise<void> {
    await inParts(receipts, (part) => this.#broker.remove(queue, part));
    const held = this.#heldIn(queue);
    for (const receipt of receipts) held.delete(receipt);
  }

  /** Without receipts: all that is held, and nothing is kept any more. */
  async release(queue?: string, receipts?: readonly string[]): Promise<void> {
    if (queue !== undefined && receipts !== undefined) {
      const held = this.#heldIn(queue);
      for (const receipt of receipts) held.delete(receipt);
      await inParts(receipts, (part) => this.#broker.release(queue, part));
      return;
    }
    clearInterval(this.#timer);
    this.#timer = undefined;
    const all = [...this.#receipts];
    this.#receipts.clear();
    await Promise.all(
      all.map(([each, held]) => inParts([...held], (part) => this.#broker.release(each, part))),
    );
  }

  #heldIn(queue: string): Set<string> {
    let held = this.#receipts.get(queue);
    if (held === undefined) this.#receipts.set(queue, (held = new Set()));
    return held;
  }
}

/** How long a read of so many messages hides each of them. */
function holdSeconds(messages: number): number {
  return Math.min(MOST_SECONDS, LEAST_SECONDS + Math.ceil(messages / READ_PER_SECOND));
}

async function inParts(
  receipts: readonly string[],
  settle: (part: readonly string[]) => Promise<unknown>,
): Promise<void> {
  for (let from = 0; from < receipts.length; from += RECEIPTS_AT_ONCE) {
    await settle(receipts.slice(from, from + RECEIPTS_AT_ONCE));
  }
}
