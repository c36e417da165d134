import type { Broker, Delivery } from "../../shared/broker/broker.ts";
import { LEDGER_DEAD_QUEUE, LEDGER_QUEUE } from "../../shared/broker/broker.ts";
import type { RunningRecorder } from "../../shared/command.ts";
import type { Coordination } from "../../shared/coordination/coordination.ts";
import type { Ledger } from "../../shared/ledger/ledger.ts";
import { deadLetter, intoBatches } from "./batch.ts";
import type { Batch } from "./batch.ts";
import { Committer } from "./committer.ts";
import { Inbox } from "./inbox.ts";
import { keepHouse } from "./keep-house.ts";
import { Outbox } from "./outbox.ts";

export interface RecorderParts {
  readonly broker: Broker;
  readonly ledger: Ledger;
  readonly coordination: Coordination;
  /** How long after one look into the `dead` queues and `unrouted` the next follows, in milliseconds. Default 5,000. */
  readonly housekeepingMs?: number;
  /** Absolute path of the state folder, for commands that a plan wants run at its end; absent: they are refused. */
  readonly state?: string | undefined;
  /** A line for a person. Default: on stderr. */
  readonly say?: (line: string) => void;
}

const DEFAULT_HOUSEKEEPING_MS = 5_000;
/** Messages that one transaction takes at the most. */
const MAX_MESSAGES = 50;

/**
 * The recorder: the last step of a call's life.
 *
 * In: planned calls and outcomes from the `ledger` queue, dead messages from the lanes' `dead` queues. Out: rows in the
 * ledger, controls for the workers of a run that ends, and what is told of its end ({@link Outbox}). Messages are removed only after the commit, so that a death
 * in between brings them again, which the ledger counts as duplicates and otherwise ignores.
 *
 * The parts stay the caller's to close, after `stop`.
 */
export async function startRecorder(parts: RecorderParts): Promise<RunningRecorder> {
  await parts.broker.ensure([]);
  const committer = new Committer(parts.ledger, parts.coordination);
  await committer.catchUp();
  return new Recorder(parts, committer);
}

/**
 * `recording` until stopped; then `draining`: what was received is recorded; or `failed`, once the ledger, the broker or
 * coordination throws: what was received and not recorded is handed back, and `failed` rejects. `over` in the end.
 */
class Recorder implements RunningRecorder {
  readonly failed: Promise<never>;
  readonly #parts: RecorderParts;
  readonly #committer: Committer;
  readonly #inbox: Inbox;
  readonly #stopping = new AbortController();
  readonly #over: Promise<unknown>;
  readonly #outbox: Outbox;
  #fail: (error: unknown) => void = () => {};
  /** Of the batch before: the next is recorded while it runs. */
  #removal: Promise<void> = Promise.resolve();

  constructor(parts: RecorderParts, committer: Committer) {
    this.#parts = parts;
    this.#committer = committer;
    this.failed = new Promise((_, reject) => {
      this.#fail = (error) => {
        this.#end();
        reject(error);
      };
    });
    // Whoever waits for it hears of it; whoever does not must not die of it.
    this.failed.catch(() => {});
    this.#inbox = new Inbox(parts.broker, LEDGER_QUEUE);
    const { signal } = this.#stopping;
    this.#outbox = new Outbox({ say: sayOnStderr, ...parts });
    // What cannot be told now is tried again by `watch`.
    committer.onCommitted(() => void this.#outbox.look().catch(() => {}));
    const everyMs = parts.housekeepingMs ?? DEFAULT_HOUSEKEEPING_MS;
    this.#over = Promise.all([
      this.#recordAll().catch(this.#fail),
      keepHouse({ ...parts, committer, everyMs, signal }).catch(this.#fail),
      this.#outbox.watch(signal),
    ]);
  }

  onRecorded(listener: () => void): void {
    this.#committer.onCommitted(listener);
  }

  async stop(): Promise<void> {
    this.#end();
    await this.#over;
    // A ledger that fails now has failed before, and was told of.
    await this.#outbox.finish().catch(() => {});
  }

  #end(): void {
    this.#stopping.abort();
    this.#inbox.end();
  }

  async #recordAll(): Promise<void> {
    for (;;) {
      const deliveries = await this.#inbox.take(MAX_MESSAGES);
      if (deliveries.length === 0) break;
      await this.#recordSome(deliveries);
    }
    await this.#removal;
  }

  async #recordSome(deliveries: readonly Delivery[]): Promise<void> {
    const unrecorded = new Set(deliveries);
    try {
      for (const batch of intoBatches(deliveries)) {
        if (batch.records.length > 0) await this.#committer.commit(batch.records);
        for (const delivery of batch.deliveries) unrecorded.delete(delivery);
        await this.#removal;
        this.#removal = this.#remove(batch);
        this.#removal.catch(this.#fail);
      }
    } catch (error) {
      await this.#handBack([...unrecorded]);
      throw error;
    }
  }

  async #remove({ deliveries, unreadable }: Batch): Promise<void> {
    const { broker } = this.#parts;
    if (unreadable.length > 0) {
      const letters = unreadable.map(({ delivery, reason }) => deadLetter(delivery, reason));
      await broker.send(LEDGER_DEAD_QUEUE, letters);
    }
    await broker.remove(
      LEDGER_QUEUE,
      deliveries.map(({ receipt }) => receipt),
    );
  }

  /** So that another recorder has them at once. If the broker fails too, they come back by themselves. */
  async #handBack(unrecorded: readonly Delivery[]): Promise<void> {
    const held = [...unrecorded, ...(await this.#inbox.remainder())];
    const receipts = held.map(({ receipt }) => receipt);
    await this.#parts.broker.release(LEDGER_QUEUE, receipts).catch(() => {});
  }
}

function sayOnStderr(line: string): void {
  process.stderr.write(`senpu: ${line}\n`);
}
