import type { Broker } from "../../shared/broker/broker.ts";
import { LEDGER_QUEUE, laneQueue } from "../../shared/broker/broker.ts";
import type { Lane } from "../../shared/model/lane.ts";
import { CALLS_PER_SLOT } from "./chunk-size.ts";

/** Bytes of chunks that a lane may have outstanding, whatever its pace: a backlog of any size needs no memory. */
const MAX_BYTES = 4_000_000;
/** How much a lane with a rate may have waiting: what it works off in so long. */
const SPAN_MS = 2000;
/** A run of some hundred calls is planned at once, so that its figures are whole from the start; only a rate is stricter. */
const MIN_CALLS = 500;
/** Workers that hold so many calls a slot, and so many in all, hold them for a part of a second only: their calls are short. */
const FAST_PER_SLOT = 16;
const FAST_CALLS = 500;
/** And so many times as much may wait as they hold: about a second's worth. */
const FAST_FACTOR = 4;
/** How often a full window is looked at again: soon at first, while nothing is known of the lane; then so often. */
const FIRST_LOOK_MS = 25;
const LOOK_MS = 250;
const LOOK_GROWTH = 1.5;
/** A count of messages may be old (on AWS it lags by seconds): no lane is believed to work off more than so many times its rate. */
const MAX_PACE = 4;
/** Of how many messages the mean of their calls is taken, about. */
const MEAN_OVER = 8;

/**
 * How many calls of a lane may wait in its queue, where workers hold `inHand` calls received and not yet done. Pure.
 *
 * Few, because whoever else has calls for the lane waits behind them: what the rate allows in two seconds; and as many
 * again as workers hold, who take on what they can start soon, so that it follows their pace. A pace measured by what a
 * queue loses would be too low where other runs publish too, and the run that once fell behind would fall ever further.
 * At least some hundred, and a chunk for all slots, so that workers never run dry.
 */
export function windowCalls(lane: Lane, inHand: number): number {
  const { rate, concurrency, minConcurrency = concurrency } = lane;
  const isFast = inHand >= Math.max(FAST_CALLS, concurrency * FAST_PER_SLOT);
  const byHand = isFast ? inHand * FAST_FACTOR : inHand;
  const byPace = Math.max(MIN_CALLS, minConcurrency * CALLS_PER_SLOT, byHand);
  if (rate === undefined) return byPace;
  const byRate = (SPAN_MS / rate.perMs) * rate.count + (rate.burst ?? 1);
  return Math.min(byPace, byRate);
}

/**
 * How much more a lane may be given, from the depth of its queue. Calls put back with a delay do not count: waiting for
 * them would let one closed destination hold up all.
 * States: open → full, when so much waits that the window is filled → open again, when half of it has gone.
 */
export class Window {
  readonly #broker: Broker;
  readonly #lane: Lane;
  readonly #bytesOnly: boolean;
  /** Calls of the lane in its queue, received by nobody. */
  #waiting = 0;
  #maxWaiting: number;
  /** Of bytes outstanding in the lane's queue, or in the ledger's, which need as much memory. */
  #outstandingBytes = 0;
  #isFull = false;
  #messages = 0;
  #calls = 0;
  #bytes = 0;
  #callsAMessage = 1;
  #lookedAt = -Infinity;
  #nextLookAt = -Infinity;
  #lookMs = FIRST_LOOK_MS;

  /** `bytesOnly`: for a producer whose own time is short, however long others then wait. */
  constructor(broker: Broker, lane: Lane, bytesOnly = false) {
    this.#broker = broker;
    this.#lane = lane;
    this.#bytesOnly = bytesOnly;
    this.#maxWaiting = windowCalls(lane, 0);
  }

  /** A message of so many bytes is on its way. `calls`: when it is not known any more, about as many as in others of its size. */
  note(bytes: number, calls = Math.ceil((bytes * this.#calls) / Math.max(1, this.#bytes))): void {
    this.#waiting += calls;
    this.#outstandingBytes += bytes;
    this.#messages++;
    this.#calls += calls;
    this.#bytes += bytes;
    this.#callsAMessage += (calls - this.#callsAMessage) / Math.min(this.#messages, MEAN_OVER);
  }

  /** Looks at the queue only when what was published since the last look would fill the window. */
  async isFull(): Promise<boolean> {
    const byBytes = this.#outstandingBytes >= MAX_BYTES;
    const byCalls = !this.#bytesOnly && this.#waiting >= this.#maxWaiting;
    if (!this.#isFull && !byBytes && !byCalls) return false;
    this.#isFull = true;
    const now = performance.now();
    if (now < this.#nextLookAt) return true;
    this.#lookMs = Math.min(LOOK_MS, this.#lookMs * LOOK_GROWTH);
    // Never in step with another producer of the lane, which would always come first.
    this.#nextLookAt = now + this.#lookMs * (0.75 + Math.random() / 2);
    await this.#look(now, byBytes);
    this.#isFull =
      this.#outstandingBytes >= MAX_BYTES ||
      (!this.#bytesOnly && this.#waiting > this.#maxWaiting / 2);
    return this.#isFull;
  }

  /** Resolves once there is room, or the signal aborts. */
  async room(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await this.isFull())) {
      const waitMs = Math.max(1, this.#nextLookAt - performance.now());
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  /** What the recorder has not read is asked for only when it may matter. */
  async #look(now: number, byBytes: boolean): Promise<void> {
    const [lane, ledger] = await Promise.all([
      this.#broker.depth(laneQueue(this.#lane.name)),
      byBytes ? this.#broker.depth(LEDGER_QUEUE) : undefined,
    ]);
    const { rate } = this.#lane;
    const started =
      rate === undefined ? Infinity : ((now - this.#lookedAt) / rate.perMs) * rate.count * MAX_PACE;
    this.#lookedAt = now;
    this.#waiting = Math.max(lane.visible * this.#callsAMessage, this.#waiting - started);
    this.#maxWaiting = windowCalls(this.#lane, lane.notVisible * this.#callsAMessage);
    const meanBytes = this.#bytes / this.#messages;
    const laneBytes = (lane.visible + lane.notVisible) * meanBytes;
    this.#outstandingBytes =
      ledger === undefined
        ? Math.max(laneBytes, this.#outstandingBytes)
        : Math.max(laneBytes, (ledger.visible + ledger.notVisible) * meanBytes);
  }
}
