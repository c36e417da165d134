import type { Broker, Delayed, Outgoing } from "../../shared/broker/broker.ts";
import { failedQueue, laneQueue } from "../../shared/broker/broker.ts";
import type { Coordination } from "../../shared/coordination/coordination.ts";
import { log } from "../../shared/log/log.ts";
import type { LogFields } from "../../shared/log/log.ts";
import { encodeLetter } from "../../shared/model/letter.ts";
import type { Outcome } from "../../shared/model/outcome.ts";
import type { AnswerDesk } from "../answer/answer-desk.ts";
import type { StagedAnswer } from "../answer/answer-reader.ts";
import type { CallTask, Chunk } from "../receive/chunk.ts";
import { writeCheckpoint } from "../receive/hold.ts";
import { callFields, outcomeFields } from "./log-fields.ts";
import type { Meter } from "./meter.ts";
import { outcomeMessages } from "./outcome-messages.ts";
import { encodePutBack } from "./put-back.ts";

/** Outcomes that leave at once; fewer wait for {@link FLUSH_MS}. */
const FLUSH_COUNT = 2000;
/** Answers that are saved at once, of which memory holds two such heaps. */
const FLUSH_BYTES = 16 * 1024 * 1024;
/** The promise is once a second; a run's end and its progress want it sooner. */
const FLUSH_MS = 200;
/** A chunk younger than this leaves no checkpoint: its outcomes would be out before a successor could read one. */
const CHECKPOINT_AFTER_MS = 1000;

export interface SettlerOptions {
  readonly broker: Broker;
  readonly answers: Pick<AnswerDesk, "commit" | "close">;
  readonly coordination: Coordination;
  readonly lane: string;
  readonly worker: string;
  /** Counts what is settled. Absent: nobody does. */
  readonly meter?: Meter | undefined;
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
  /** Of an answer that is saved with others. */
  readonly staged?: StagedAnswer | undefined;
}
interface PutBack {
  readonly task: CallTask;
  readonly notBefore: number;
}

/**
 * The end of a call's life in a worker.
 *
 * In: calls that settled, or are to be put back. Out, in this order, so that a death anywhere between loses nothing:
 * answers that are saved, to where they last, so that no outcome is told without its answer; letters of failed calls to the `failed` queue, outcomes to their topic, calls put back to the lane queue; then the
 * message is removed, or its checkpoint written. A letter comes before its outcome, because a run that is resumed passes
 * over what has an outcome, and drops the message. One such flush at a time; what comes meanwhile goes with the next.
 */
export class Settler {
  readonly tally: Tally = { succeeded: 0, failed: 0, putBack: 0, dropped: 0 };
  readonly #options: SettlerOptions;
  #settled: Settled[] = [];
  /** Of answers that wait to be saved. */
  #stagedBytes = 0;
  #putBack: PutBack[] = [];
  /** Chunks that are over, or are to leave a checkpoint, with nothing left to send. */
  #ended = new Set<Chunk>();
  /** Chunks with calls that settled before they were old enough for a checkpoint, and that are not over. */
  readonly #young = new Set<Chunk>();
  #youngTimer: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  settle(task: CallTask, outcome: Outcome, staged?: StagedAnswer): void {
    this.tally[outcome.state === "succeeded" ? "succeeded" : "failed"]++;
    this.#options.meter?.settled(outcome);
    if (outcome.state === "failed") log.warn?.(this.#fieldsOf(task, outcome), "call failed");
    else log.debug?.(this.#fieldsOf(task, outcome), "call succeeded");
    this.#settled.push({ task, outcome, staged });
    this.#stagedBytes += staged?.bytes.length ?? 0;
    this.#soon();
  }

  /** The call goes back to the queue as it stands, to be made no sooner than `notBefore` (epoch milliseconds). */
  putBack(task: CallTask, notBefore: number): void {
    this.tally.putBack++;
    log.debug?.({ ...this.#fieldsOf(task), notBefore }, "call put back");
    this.#putBack.push({ task, notBefore });
    this.#soon();
  }

  /** For the log. */
  #fieldsOf(task: CallTask, outcome?: Outcome): LogFields {
    const { lane, worker } = this.#options;
    return { ...callFields(task), lane, worker, ...outcomeFields(outcome) };
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
    if (this.#size >= FLUSH_COUNT || this.#stagedBytes >= FLUSH_BYTES) this.hurry();
    else this.#timer ??= setTimeout(() => this.#onTime(), FLUSH_MS);
  }

  async #flushOnce(): Promise<void> {
    const heap = this.#settled;
    const hasAnswers = this.#stagedBytes > 0;
    const putBack = this.#putBack;
    const touched = this.#ended;
    this.#settled = [];
    this.#stagedBytes = 0;
    this.#putBack = [];
    this.#ended = new Set();

    const settled = hasAnswers ? await this.#saveAnswers(heap) : heap;
    const { broker, lane, worker } = this.#options;
    const letters = settled.filter(({ outcome }) => outcome.state === "failed");
    await sendAll(
      broker,
      failedQueue(lane),
      letters.map(({ task, outcome }) => letterOf(task, outcome)),
    );
    await broker.publish("outcomes", outcomeMessages(settled, lane, worker));
    const moving = await this.#markMoving(putBack);
    await sendAll(broker, laneQueue(lane), encodePutBack(moving, Date.now()));
    for (const { task } of settled) touch(task, touched);
    for (const { task } of putBack) touch(task, touched);
    await this.#close(touched);
  }

  /** The same with the places where their answers are saved. */
  async #saveAnswers(heap: readonly Settled[]): Promise<readonly Settled[]> {
    const saving = heap.flatMap(({ task, outcome, staged }) =>
      staged === undefined ? [] : [{ run: task.chunk.message.run, answer: outcome.answer, staged }],
    );
    const saved = (await this.#options.answers.commit(saving)).values();
    return heap.map(({ task, outcome, staged }) =>
      staged === undefined
        ? { task, outcome }
        : { task, outcome: { ...outcome, answer: saved.next().value! } },
    );
  }

  /**
   * Unsafe calls that are about to stand in two messages are marked as started in the old one, so that a death before
   * it is removed makes them there `unknown`, not a second time. Returns those that may be put back: what is lost to
   * another delivery is that one's to make.
   */
  async #markMoving(putBack: readonly PutBack[]): Promise<readonly PutBack[]> {
    const guarded = new Set<Chunk>();
    for (const { task } of putBack) {
      if (!task.chunk.guarded) continue;
      task.chunk.startedBelow = Math.max(task.chunk.startedBelow, task.index + 1);
      guarded.add(task.chunk);
    }
    for (const chunk of guarded) await writeCheckpoint(this.#options.coordination, chunk);
    return putBack.filter(({ task }) => !task.chunk.isLost);
  }

  /** Removes the messages of chunks that are over; leaves a checkpoint for those that are not. */
  async #close(touched: ReadonlySet<Chunk>): Promise<void> {
    const { broker, coordination, lane, onOver } = this.#options;
    const over = [...touched].filter((chunk) => chunk.isOver);
    const own = over.filter((chunk) => !chunk.isLost);
    if (own.length > 0) {
      await broker.remove(
        laneQueue(lane),
        own.map((chunk) => chunk.delivery.receipt),
      );
      await this.#forget(own);
    }
    for (const chunk of over) {
      this.#young.delete(chunk);
      onOver(chunk);
    }
    for (const chunk of touched) {
      if (chunk.isOver || chunk.isLost) continue;
      if (leavesCheckpoint(chunk)) {
        this.#young.delete(chunk);
        await writeCheckpoint(coordination, chunk);
      } else this.#young.add(chunk);
    }
    if (this.#young.size > 0) this.#youngTimer ??= setTimeout(() => this.#age(), FLUSH_MS);
  }

  /** Only once the messages are removed: one that came again without its checkpoint would have all its calls made again. */
  async #forget(over: readonly Chunk[]): Promise<void> {
    const { coordination } = this.#options;
    const guarded = over.filter((chunk) => chunk.guarded);
    const left = over.filter(
      (chunk) => !chunk.guarded && (leavesCheckpoint(chunk) || chunk.delivery.receiveCount > 1),
    );
    // Of these a copy may still come, and is known by this.
    if (guarded.length > 0) {
      await coordination.endChunks(
        guarded.map((chunk) => chunk.key),
        Date.now(),
      );
    }
    if (left.length > 0) await coordination.removeCheckpoints(left.map((chunk) => chunk.key));
  }

  /** Chunks that wait leave a checkpoint too, once they are old enough, though nothing of them settles. */
  #age(): void {
    this.#youngTimer = undefined;
    for (const chunk of this.#young) {
      if (!leavesCheckpoint(chunk)) continue;
      this.#young.delete(chunk);
      this.#ended.add(chunk);
    }
    if (this.#ended.size > 0) this.#soon();
    if (this.#young.size > 0) this.#youngTimer = setTimeout(() => this.#age(), FLUSH_MS);
  }

  /** Nothing is settled any more. */
  stop(): void {
    clearTimeout(this.#youngTimer);
    this.#young.clear();
    void this.#options.answers.close();
  }
}

function touch(task: CallTask, touched: Set<Chunk>): void {
  task.chunk.account(task.index);
  touched.add(task.chunk);
}

function leavesCheckpoint(chunk: Chunk): boolean {
  return chunk.guarded || performance.now() - chunk.openedAt > CHECKPOINT_AFTER_MS;
}

function letterOf(task: CallTask, outcome: Outcome): Outgoing {
  return encodeLetter(task.chunk.message, task.call, outcome);
}

async function sendAll(broker: Broker, queue: string, entries: readonly Delayed[]): Promise<void> {
  if (entries.length > 0) await broker.send(queue, entries);
}
