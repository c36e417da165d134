import type { Broker, Delayed, Delivery } from "../../shared/broker/broker.ts";
import { deadQueue, laneQueue } from "../../shared/broker/broker.ts";
import type { Checkpoint, Coordination } from "../../shared/coordination/coordination.ts";
import { SenpuError, messageOf } from "../../shared/errors.ts";
import { isUnsafe } from "../../shared/model/call.ts";
import type { CallsMessage } from "../../shared/model/message.ts";
import { decodeMessage } from "../../shared/model/message.ts";
import type { Outcome } from "../../shared/model/outcome.ts";
import { delayedMessage, withAttempts } from "../settle/put-back.ts";
import { CallTask, Chunk, chunkKey } from "./chunk.ts";
import type { RunWatch } from "./run-watch.ts";

/** From this receive on, a chunk is split into messages of one call before anything is called. */
const SPLIT_FROM_RECEIVE = 3;
/** A message that comes this much too early is simply begun. */
const EARLY_MS = 500;

export interface IntakeOptions {
  readonly broker: Broker;
  readonly coordination: Coordination;
  readonly watch: RunWatch;
  readonly lane: string;
  /** A call of an earlier delivery whose result nobody saw, and which must not be repeated. */
  readonly onUnknown: (task: CallTask, outcome: Outcome) => void;
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
    const now = Date.now();
    if (message.notBefore !== undefined && message.notBefore > now + EARLY_MS) {
      return this.#bridge(delivery, message, message.notBefore);
    }
    if (delivery.receiveCount === 1) return new Chunk(delivery, message, undefined);
    const checkpoint = await this.#options.coordination.readCheckpoint(chunkKey(message));
    if (delivery.receiveCount >= SPLIT_FROM_RECEIVE && message.calls.length > 1) {
      return this.#split(delivery, message, checkpoint);
    }
    const chunk = new Chunk(delivery, message, checkpoint);
    for (const task of unseen(chunk, checkpoint)) this.#tellUnknown(task);
    return chunk;
  }

  /** SQS delays by 15 minutes at the most; what waits longer is sent on again and again. */
  async #bridge(delivery: Delivery, message: CallsMessage, notBefore: number): Promise<undefined> {
    const chunk = new Chunk(delivery, message, undefined);
    await this.#markMoving(chunk);
    await this.#replace(delivery, [delayedMessage(message, message.calls, notBefore, Date.now())]);
    if (chunk.guarded) await this.#options.coordination.removeCheckpoints([chunk.key]);
  }

  /** As the settler does before it puts calls back: a death in between must not make unsafe ones in both messages. */
  async #markMoving(chunk: Chunk): Promise<void> {
    if (!chunk.guarded) return;
    chunk.startedBelow = chunk.message.calls.length;
    await this.#options.coordination.writeCheckpoint(chunk.key, chunk.checkpoint(), Date.now());
  }

  /**
   * Each call not done gets a message of its own, so that one that kills its worker takes no other with it.
   * What must not be repeated stays behind in the chunk that is returned, to be settled as unknown; a death before that
   * brings the message again, and all this with it.
   */
  async #split(
    delivery: Delivery,
    message: CallsMessage,
    checkpoint: Checkpoint | undefined,
  ): Promise<Chunk | undefined> {
    const chunk = new Chunk(delivery, message, checkpoint);
    const unknown = unseen(chunk, checkpoint);
    const suspected: CallsMessage = { ...message, suspect: true };
    const singles: Delayed[] = [];
    await this.#markMoving(chunk);
    for (let task = chunk.take(); task !== undefined; task = chunk.take()) {
      const call = withAttempts(task);
      singles.push(delayedMessage(suspected, [call], message.notBefore ?? 0, Date.now()));
      chunk.account(task.index);
    }
    if (unknown.length === 0) {
      await this.#replace(delivery, singles);
      await this.#options.coordination.removeCheckpoints([chunk.key]);
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
  async #replace(delivery: Delivery, messages: readonly Delayed[]): Promise<void> {
    const queue = laneQueue(this.#options.lane);
    if (messages.length > 0) await this.#options.broker.send(queue, messages);
    await this.#options.broker.remove(queue, [delivery.receipt]);
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
