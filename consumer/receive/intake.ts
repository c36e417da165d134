import { randomUUID } from "node:crypto";
import type { Broker, Delayed, Delivery } from "../../shared/broker/broker.ts";
import { deadQueue, laneQueue } from "../../shared/broker/broker.ts";
import { LANE_VISIBILITY_SECONDS } from "../../shared/broker/topology.ts";
import type { Checkpoint, Coordination } from "../../shared/coordination/coordination.ts";
import { SenpuError, messageOf } from "../../shared/errors.ts";
import { isUnsafe } from "../../shared/model/call.ts";
import type { CallsMessage } from "../../shared/model/message.ts";
import { decodeMessage } from "../../shared/model/message.ts";
import type { Outcome } from "../../shared/model/outcome.ts";
import type { AccessBook } from "../auth/access-book.ts";
import { delayedMessage, withAttempts } from "../settle/put-back.ts";
import { CallTask, Chunk, chunkKey, isGuarded } from "./chunk.ts";
import { HOLD_MS, writeCheckpoint } from "./hold.ts";
import type { RunWatch } from "./run-watch.ts";

/** From this receive on, a chunk is split into messages of one call before anything is called. */
const SPLIT_FROM_RECEIVE = 3;
/** A message that comes this much too early is simply begun. */
const EARLY_MS = 500;

export interface IntakeOptions {
  readonly broker: Broker;
  readonly coordination: Coordination;
  readonly watch: RunWatch;
  readonly accesses: AccessBook;
  readonly lane: string;
  /** A call of an earlier delivery whose result nobody saw, and which must not be repeated. */
  readonly onUnknown: (task: CallTask, outcome: Outcome) => void;
  /** A delivery is not worked on, because another of the same chunk is; it comes again. */
  readonly onLeft: (receipt: string) => void;
}

/**
 * What is done with a delivery before any of its calls is made.
 *
 * In: deliveries of a lane queue. Out: chunks to work on. Messages of runs that are held or begun anew are removed, ones
 * that nobody can read go to the `dead` queue with the reason, ones that came early go back with a delay, and
 * redelivered ones are taken up where the checkpoint says, or split.
 */
export class Intake {
  readonly #options: IntakeOptions;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  async open(deliveries: readonly Delivery[]): Promise<Chunk[]> {
    const { watch, broker, lane } = this.#options;
    const readable: { delivery: Delivery; message: CallsMessage }[] = [];
    for (const delivery of deliveries) {
      const message = await this.#read(delivery);
      if (message !== undefined) readable.push({ delivery, message });
    }
    await watch.refresh([...new Set(readable.map(({ message }) => message.run))]);
    const chunks: Chunk[] = [];
    const dropped: string[] = [];
    for (const { delivery, message } of readable) {
      if (!watch.allows(message)) {
        dropped.push(delivery.receipt);
        continue;
      }
      const chunk = await this.#accept(delivery, message);
      if (chunk !== undefined) chunks.push(chunk);
    }
    if (dropped.length > 0) await broker.remove(laneQueue(lane), dropped);
    return chunks;
  }

  async #read(delivery: Delivery): Promise<CallsMessage | undefined> {
    try {
      const message = decodeMessage(delivery.body);
      if (message.kind === "calls" && message.calls.length > 0) return message;
      throw new SenpuError("message", `kind ${message.kind} does not belong in a lane queue`);
    } catch (error) {
      const { broker, lane } = this.#options;
      const reason = messageOf(error).slice(0, 200);
      await broker.send(deadQueue(lane), [{ body: delivery.body, attributes: { reason, lane } }]);
      await broker.remove(laneQueue(lane), [delivery.receipt]);
      return undefined;
    }
  }

  async #accept(delivery: Delivery, message: CallsMessage): Promise<Chunk | undefined> {
    if (isGuarded(message)) return this.#acceptGuarded(delivery, message);
    const checkpoint =
      delivery.receiveCount === 1
        ? undefined
        : await this.#options.coordination.readCheckpoint(chunkKey(message));
    const access = this.#options.accesses.accessOf(message, delivery.body);
    const chunk = new Chunk(delivery, message, checkpoint, undefined, access);
    return this.#begin(chunk, delivery, checkpoint);
  }

  /** A copy of what another delivery is worked on waits until that is over, or its worker is dead. */
  async #acceptGuarded(delivery: Delivery, message: CallsMessage): Promise<Chunk | undefined> {
    const { broker, coordination, accesses, lane, onLeft } = this.#options;
    const holder = randomUUID();
    const now = Date.now();
    const request = { chunk: chunkKey(message), holder, ttlMs: HOLD_MS, now };
    const held = await coordination.holdChunk(request);
    if (held.state === "over") {
      await broker.remove(laneQueue(lane), [delivery.receipt]);
      return undefined;
    }
    if (held.state === "others") {
      // A worker that lives renews its hold: then its copy is looked at less and less often.
      const patience = Math.max(0, delivery.receiveCount - 2) * LANE_VISIBILITY_SECONDS;
      const seconds = Math.ceil(Math.max(0, held.until - now) / 1_000) + 1 + patience;
      await broker.extend(laneQueue(lane), [delivery.receipt], seconds);
      onLeft(delivery.receipt);
      return undefined;
    }
    const access = accesses.accessOf(message, delivery.body);
    const chunk = new Chunk(delivery, message, held.checkpoint, holder, access);
    return this.#begin(chunk, delivery, held.checkpoint);
  }

  async #begin(
    chunk: Chunk,
    delivery: Delivery,
    checkpoint: Checkpoint | undefined,
  ): Promise<Chunk | undefined> {
    const { message } = chunk;
    const { notBefore = 0 } = message;
    // What an earlier delivery may have sent on already is not sent on again.
    if (notBefore > Date.now() + EARLY_MS && chunk.startedBelow === 0) {
      return this.#bridge(chunk, notBefore);
    }
    if (delivery.receiveCount >= SPLIT_FROM_RECEIVE && message.calls.length > 1) {
      return this.#split(chunk, checkpoint);
    }
    for (const task of unseen(chunk, checkpoint)) this.#tellUnknown(task);
    return chunk;
  }

  /** SQS delays by 15 minutes at the most; what waits longer is sent on again and again. */
  async #bridge(chunk: Chunk, notBefore: number): Promise<undefined> {
    const { message } = chunk;
    if (!(await this.#markMoving(chunk))) return undefined;
    await this.#replace(chunk, [delayedMessage(message, message.calls, notBefore, Date.now())]);
    return undefined;
  }

  /**
   * As the settler does before it puts calls back: a death in between must not make unsafe ones in both messages.
   * False: the chunk is lost to another.
   */
  async #markMoving(chunk: Chunk): Promise<boolean> {
    if (!chunk.guarded) return true;
    chunk.startedBelow = chunk.message.calls.length;
    if (await writeCheckpoint(this.#options.coordination, chunk)) return true;
    this.#options.onLeft(chunk.delivery.receipt);
    return false;
  }

  /**
   * Each call not done gets a message of its own, so that one that kills its worker takes no other with it.
   * What must not be repeated stays behind in the chunk that is returned, to be settled as unknown; a death before that
   * brings the message again, and all this with it.
   */
  async #split(chunk: Chunk, checkpoint: Checkpoint | undefined): Promise<Chunk | undefined> {
    const { message } = chunk;
    const unknown = unseen(chunk, checkpoint);
    const suspected: CallsMessage = { ...message, suspect: true };
    const singles: Delayed[] = [];
    if (!(await this.#markMoving(chunk))) return undefined;
    for (let task = chunk.take(); task !== undefined; task = chunk.take()) {
      const call = withAttempts(task);
      singles.push(delayedMessage(suspected, [call], message.notBefore ?? 0, Date.now()));
      chunk.account(task.index);
    }
    if (unknown.length === 0) {
      await this.#replace(chunk, singles);
      return undefined;
    }
    await this.#options.broker.send(laneQueue(this.#options.lane), singles);
    for (const task of unknown) this.#tellUnknown(task);
    return chunk;
  }

  #tellUnknown(task: CallTask): void {
    this.#options.onUnknown(task, unknownOutcome(task));
  }

  /** First the new messages, then away with the old: a death in between makes calls twice, and loses none. */
  async #replace(chunk: Chunk, messages: readonly Delayed[]): Promise<void> {
    const { broker, coordination, lane } = this.#options;
    const queue = laneQueue(lane);
    if (messages.length > 0) await broker.send(queue, messages);
    await broker.remove(queue, [chunk.delivery.receipt]);
    if (chunk.guarded) await coordination.endChunks([chunk.key], Date.now());
    else if (chunk.delivery.receiveCount > 1) await coordination.removeCheckpoints([chunk.key]);
  }
}

/** Unsafe calls that an earlier delivery may have started, and that have no outcome. They are taken out of the chunk. */
function unseen(chunk: Chunk, checkpoint: Checkpoint | undefined): CallTask[] {
  if (!chunk.guarded || checkpoint === undefined) return [];
  const done = new Set(checkpoint.done);
  return chunk.message.calls
    .map((call, index) => new CallTask(chunk, index, call, checkpoint.attempts[index] ?? 1))
    .filter(
      ({ call, index }) =>
        index < chunk.startedBelow && !done.has(index) && isUnsafe(call.method ?? "GET"),
    )
    .map((task) => {
      chunk.takeOut(task.index);
      return task;
    });
}

function unknownOutcome(task: CallTask): Outcome {
  return {
    id: task.call.id,
    state: "failed",
    reason: "unknown",
    attempts: task.attempts,
    settledAt: Date.now(),
    error: "its worker died while it may have been under way",
  };
}
