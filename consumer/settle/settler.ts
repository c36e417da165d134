import type { Broker, Delayed, Outgoing } from "../../shared/broker/broker.ts";
import { failedQueue, laneQueue } from "../../shared/broker/broker.ts";
import type { Coordination } from "../../shared/coordination/coordination.ts";
import { encodeOutcomes } from "../../shared/model/encode-outcomes.ts";
import { encodeLetter } from "../../shared/model/letter.ts";
import type { Outcome } from "../../shared/model/outcome.ts";
import type { CallTask, Chunk } from "../receive/chunk.ts";
import { encodePutBack } from "./put-back.ts";

/** Outcomes that leave at once; fewer wait for {@link FLUSH_MS}. */
const FLUSH_COUNT = 2000;
/** The promise is once a second; a run's end and its progress want it sooner. */
const FLUSH_MS = 200;
/** A chunk younger than this leaves no checkpoint: its outcomes would be out before a successor could read one. */
const CHECKPOINT_AFTER_MS = 1000;

export interface SettlerOptions {
  readonly broker: Broker;
  readonly coordination: Coordination;
  readonly lane: string;
  readonly worker: string;
  /** The chunk's message was removed, or nothing of it depends on this worker any more. */
  readonly onOver: (chunk: Chunk) => void;
  /** The broker or coordination could not be reached in spite of all patience. */
  readonly onFailed: (error: unknown) => void;
}

/** Calls by what became of them here. */
export interface Tally {
  succeeded: number;
  failed: number;
  putBack: number;
  dropped: number;
}

interface Settled {
  readonly task: CallTask;
  readonly outcome: Outcome;
}
interface PutBack {
  readonly task: CallTask;
  readonly notBefore: number;
}

/**
 * The end of a call's life in a worker.
 *
 * In: calls that settled, or are to be put back. Out, in this order, so that a death anywhere between loses nothing:
 * outcomes to their topic, letters of failed calls to the `failed` queue, calls put back to the lane queue; then the
 * message is removed, or its checkpoint written. One such flush at a time; what comes meanwhile goes with the next.
 */
export class Settler {
  readonly tally: Tally = { succeeded: 0, failed: 0, putBack: 0, dropped: 0 };
  readonly #options: SettlerOptions;
  #settled: Settled[] = [];
  #putBack: PutBack[] = [];
  /** Chunks that are over with nothing left to send. */
  #ended = new Set<Chunk>();
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  settle(task: CallTask, outcome: Outcome): void {
    this.tally[outcome.state === "succeeded" ? "succeeded" : "failed"]++;
    this.#settled.push({ task, outcome });
    this.#soon();
  }

  /** The call goes back to the queue as it stands, to be made no sooner than `notBefore` (epoch milliseconds). */
  putBack(task: CallTask, notBefore: number): void {
    this.tally.putBack++;
    this.#putBack.push({ task, notBefore });
    this.#soon();
  }

  /** The call is left alone: its run is held, ended or begun anew. */
  drop(task: CallTask): void {
    this.tally.dropped++;
    task.chunk.account(task.index);
    if (task.chunk.isOver) this.close(task.chunk);
  }

  /** Nothing of the chunk depends on its message any more. */
  close(chunk: Chunk): void {
    this.#ended.add(chunk);
    this.#soon();
  }

  /** Sends what is there without waiting for more. */
  hurry(): void {
    if (this.#flushing !== undefined || this.#size === 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flushing = this.#flushOnce().finally(() => {
      this.#flushing = undefined;
      if (this.#size > 0) this.#soon();
    });
    this.#flushing.catch(this.#options.onFailed);
  }

  /** Resolves once everything given so far is out. */
  async flush(): Promise<void> {
    while (this.#flushing !== undefined || this.#size > 0) {
      this.hurry();
      await this.#flushing;
    }
  }

  /** Nothing waits to be sent, nothing is being sent. */
  get isIdle(): boolean {
    return this.#flushing === undefined && this.#size === 0;
  }

  get #size(): number {
    return this.#settled.length + this.#putBack.length + this.#ended.size;
  }

  /** A flush may be under way: then its end arms the timer anew, for which this one must be out of the way. */
  #onTime(): void {
    this.#timer = undefined;
    this.hurry();
  }

  #soon(): void {
    if (this.#size >= FLUSH_COUNT) this.hurry();
    else this.#timer ??= setTimeout(() => this.#onTime(), FLUSH_MS);
  }

  async #flushOnce(): Promise<void> {
    const settled = this.#settled;
    const putBack = this.#putBack;
    const touched = this.#ended;
    this.#settled = [];
    this.#putBack = [];
    this.#ended = new Set();

    const { broker, lane, worker } = this.#options;
    await broker.publish("outcomes", outcomeMessages(settled, lane, worker));
    const letters = settled.filter(({ outcome }) => outcome.state === "failed");
    await this.#markMoving(putBack);
    await Promise.all([
      sendAll(
        broker,
        failedQueue(lane),
        letters.map(({ task, outcome }) => letterOf(task, outcome)),
      ),
      sendAll(broker, laneQueue(lane), encodePutBack(putBack, Date.now())),
    ]);
    for (const { task } of settled) touch(task, touched);
    for (const { task } of putBack) touch(task, touched);
    await this.#close(touched);
  }

  /**
   * Unsafe calls that are about to stand in two messages are marked as started in the old one, so that a death before
   * it is removed makes them there `unknown`, not a second time.
   */
  async #markMoving(putBack: readonly PutBack[]): Promise<void> {
    const guarded = new Set<Chunk>();
    for (const { task } of putBack) {
      if (!task.chunk.guarded) continue;
      task.chunk.startedBelow = Math.max(task.chunk.startedBelow, task.index + 1);
      guarded.add(task.chunk);
    }
    for (const chunk of guarded) {
      await this.#options.coordination.writeCheckpoint(chunk.key, chunk.checkpoint(), Date.now());
    }
  }

  /** Removes the messages of chunks that are over; leaves a checkpoint for those that are not. */
  async #close(touched: ReadonlySet<Chunk>): Promise<void> {
    const { broker, coordination, lane, onOver } = this.#options;
    const over = [...touched].filter((chunk) => chunk.isOver);
    if (over.length > 0) {
      await broker.remove(
        laneQueue(lane),
        over.map((chunk) => chunk.delivery.receipt),
      );
      // Only now: a message that comes again without its checkpoint would have all its calls made again.
      const kept = over.filter(
        (chunk) => leavesCheckpoint(chunk) || chunk.delivery.receiveCount > 1,
      );
      if (kept.length > 0) await coordination.removeCheckpoints(kept.map((chunk) => chunk.key));
      for (const chunk of over) onOver(chunk);
    }
    for (const chunk of touched) {
      if (chunk.isOver || !leavesCheckpoint(chunk)) continue;
      await coordination.writeCheckpoint(chunk.key, chunk.checkpoint(), Date.now());
    }
  }
}

function touch(task: CallTask, touched: Set<Chunk>): void {
  task.chunk.account(task.index);
  touched.add(task.chunk);
}

function leavesCheckpoint(chunk: Chunk): boolean {
  return chunk.guarded || performance.now() - chunk.openedAt > CHECKPOINT_AFTER_MS;
}

function outcomeMessages(settled: readonly Settled[], lane: string, worker: string): Outgoing[] {
  const byRun = Map.groupBy(settled, ({ task }) => task.chunk.message.run);
  return [...byRun].flatMap(([run, entries]) =>
    encodeOutcomes(
      run,
      lane,
      worker,
      entries.map(({ outcome }) => outcome),
    ).map((body) => ({
      body,
      attributes: { kind: "outcomes", run },
    })),
  );
}

function letterOf(task: CallTask, outcome: Outcome): Outgoing {
  return encodeLetter(task.chunk.message, task.call, outcome);
}

async function sendAll(broker: Broker, queue: string, entries: readonly Delayed[]): Promise<void> {
  if (entries.length > 0) await broker.send(queue, entries);
}
