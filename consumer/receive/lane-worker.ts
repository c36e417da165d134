import type { Broker, Delivery } from "../../shared/broker/broker.ts";
import { laneQueue } from "../../shared/broker/broker.ts";
import type { LaneActivity } from "../../shared/command.ts";
import type { Coordination, LaneLimit } from "../../shared/coordination/coordination.ts";
import type { Call } from "../../shared/model/call.ts";
import type { CallsMessage } from "../../shared/model/message.ts";
import { Executor } from "../execute/executor.ts";
import { HttpClient } from "../execute/http-client.ts";
import { Settler } from "../settle/settler.ts";
import type { Tally } from "../settle/settler.ts";
import type { Chunk } from "./chunk.ts";
import { Intake } from "./intake.ts";
import { Pace } from "./pace.ts";
import { Pacer } from "./pacer.ts";
import { RetryLine } from "./retry-line.ts";
import type { RunWatch } from "./run-watch.ts";
import { Slots } from "./slots.ts";
import { StartMarker } from "./start-marker.ts";
import { VisibilityKeeper } from "./visibility-keeper.ts";

/** Calls ready beside those in flight, so that a free slot never waits for a receive: as many as slots or as {@link Pace} says, and at least: */
const MIN_AHEAD = 50;
/** Calls held at once at the most (in flight, ready, waiting to be tried again), as a multiple of the limit, and at least: */
const MAX_HELD_FACTOR = 20;
const MIN_MAX_HELD = 2000;
/** After how long a suspect that had to wait for another comes again. */
const SUSPECT_DELAY_MS = 1000;

export interface LaneWorkerOptions {
  readonly broker: Broker;
  readonly coordination: Coordination;
  readonly watch: RunWatch;
  readonly worker: string;
  readonly limit: LaneLimit;
  readonly onFailed: (error: unknown) => void;
  /** More could be taken on now. */
  readonly onRoom?: () => void;
  /** No chunk is held any more. */
  readonly onFinished?: () => void;
  /** Is there time for an attempt that starts in `inMs` milliseconds? */
  readonly hasTime: (call: Call, message: CallsMessage, inMs: number) => boolean;
}

/**
 * Works on deliveries of one lane's queue, wherever they come from: a poller's receives, or a function's event.
 *
 * In: deliveries. Out: calls made, as many at once as slots are granted and as soon as the rate allows, in no order that
 * would let a slow call hold up another: free slots are filled from the next chunk while one is unfinished.
 * States: working → stopping (starts nothing, waits for what is in flight) → stopped.
 */
export class LaneWorker {
  readonly lane: string;
  readonly #options: LaneWorkerOptions;
  readonly #stop = new AbortController();
  readonly #ready: Chunk[] = [];
  readonly #opened = new Set<Chunk>();
  readonly #retries = new RetryLine();
  readonly #http = new HttpClient();
  readonly #slots: Slots;
  readonly #pacer: Pacer;
  readonly #intake: Intake;
  readonly #executor: Executor;
  readonly #settler: Settler;
  readonly #keeper: VisibilityKeeper;
  readonly #marker: StartMarker;
  readonly #pace = new Pace();
  #readyCalls = 0;
  /** Taken before all else, and worked on alone. */
  #suspect: Chunk | undefined;
  /** Calls taken out of their chunk and not yet settled, put back or dropped. */
  #held = 0;
  #pumping = false;
  #pumpAgain = false;
  #idle: (() => void) | undefined;

  constructor(options: LaneWorkerOptions) {
    this.#options = options;
    const { broker, coordination, watch, worker, limit, onFailed, hasTime } = options;
    this.lane = limit.lane;
    const shared = { broker, coordination, lane: limit.lane, worker, onFailed };
    this.#slots = new Slots(limit.concurrency, { ...shared, onGranted: () => this.#pump() });
    this.#pacer = new Pacer(coordination, limit.lane, () => this.#pump(), onFailed);
    this.#pacer.setRate(limit.rate);
    this.#settler = new Settler({ ...shared, onOver: (chunk) => this.#forget(chunk) });
    this.#marker = new StartMarker(coordination, () => this.#pump(), onFailed);
    this.#keeper = new VisibilityKeeper(broker, laneQueue(limit.lane), onFailed);
    this.#executor = new Executor(this.#http, {
      slot: () => this.#retries.wait(() => this.#pump()),
      give: () => this.#give(),
      allows: (task) => watch.allows(task.chunk.message),
      hasTime: (task, inMs) => hasTime(task.call, task.chunk.message, inMs),
      settle: (task, outcome) => this.#done(() => this.#settler.settle(task, outcome)),
      putBack: (task, notBefore) => this.#done(() => this.#settler.putBack(task, notBefore)),
      drop: (task) => this.#done(() => this.#settler.drop(task)),
      failed: onFailed,
      stopping: this.#stop.signal,
    });
    this.#intake = new Intake({
      ...shared,
      watch,
      onUnknown: (task, outcome) => this.#settler.settle(task, outcome),
    });
  }

  activity(): LaneActivity {
    const inFlight = this.#slots.used;
    const waiting = this.#readyCalls + this.#held - inFlight;
    return { lane: this.lane, inFlight, waiting, limit: this.#slots.limit };
  }

  setLimit(limit: LaneLimit): void {
    this.#slots.setLimit(limit.concurrency);
    this.#pacer.setRate(limit.rate);
  }

  /**
   * Finishes what is in flight, within `graceMs`; puts everything else back, or drops it where its run has ended.
   * Nothing starts from now on; what `receiving` still brings, until it resolves, is put back too.
   */
  async stop(graceMs: number, receiving?: Promise<void>): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#pacer.close();
    await receiving;
    this.#retries.close();
    for (const chunk of this.#ready.splice(0)) this.#returnRest(chunk, 0);
    if (this.#suspect !== undefined) this.#returnRest(this.#suspect, 0);
    const grace = setTimeout(() => this.#http.giveUp(), graceMs);
    while (this.#held > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    clearTimeout(grace);
    try {
      await this.#settler.flush();
    } finally {
      this.#keeper.close();
      await Promise.all([this.#slots.close(), this.#http.close()]);
    }
  }

  /** Takes deliveries on: each is held until nothing of it depends on its message any more. */
  async open(deliveries: readonly Delivery[]): Promise<void> {
    const chunks = await this.#intake.open(deliveries);
    for (const chunk of chunks) this.#take(chunk);
    this.#pump();
  }

  /** What became of calls so far. */
  get tally(): Tally {
    return this.#settler.tally;
  }

  /** Receipts of deliveries taken on whose message still stands for some call. */
  held(): string[] {
    return [...this.#opened].map(({ delivery }) => delivery.receipt);
  }

  /** The shortest time that an attempt of any call held may take; Infinity when none is. */
  get shortestMs(): number {
    return Math.min(...[...this.#opened].map((chunk) => chunk.shortestMs));
  }

  /** Calls that could be received before enough are ready; 0 or less while there are, or too many are held. */
  missing(): number {
    const limit = this.#slots.limit;
    const wanted = Math.max(MIN_AHEAD, limit, this.#pace.ahead);
    // Half at a time: a receive for each call that starts would bring one message each.
    if (this.#readyCalls > wanted / 2) return 0;
    const room = Math.max(MIN_MAX_HELD, limit * MAX_HELD_FACTOR) - this.#held;
    return Math.min(wanted - this.#readyCalls, room);
  }

  #take(chunk: Chunk): void {
    this.#opened.add(chunk);
    this.#keeper.add(chunk.delivery.receipt);
    this.#options.watch.enter(chunk.message.run);
    const ready = chunk.ready;
    if (ready === 0) {
      // All done by an earlier delivery; or only calls are left that the intake has settled.
      if (chunk.isOver) this.#settler.close(chunk);
      return;
    }
    this.#readyCalls += ready;
    if (chunk.message.suspect !== true) this.#ready.push(chunk);
    else if (this.#suspect === undefined) this.#suspect = chunk;
    // One at a time, or a worker that dies of one would count against all.
    else this.#returnRest(chunk, Date.now() + SUSPECT_DELAY_MS * (1 + Math.random()));
  }

  #forget(chunk: Chunk): void {
    if (!this.#opened.delete(chunk)) return;
    this.#keeper.drop(chunk.delivery.receipt);
    this.#options.watch.leave(chunk.message.run);
    if (this.#opened.size === 0) this.#options.onFinished?.();
    if (chunk !== this.#suspect) return;
    this.#suspect = undefined;
    this.#pump();
  }

  /** Starts whatever may be started now. Called whenever that may have changed. */
  #pump(): void {
    if (this.#pumping) {
      this.#pumpAgain = true;
      return;
    }
    this.#pumping = true;
    do {
      this.#pumpAgain = false;
      while (this.#startOne());
    } while (this.#pumpAgain);
    this.#pumping = false;
    this.#slots.setDemand(this.#readyCalls + this.#retries.size + this.#slots.used);
    if (this.missing() > 0) this.#options.onRoom?.();
    if (this.#held === 0 && this.#readyCalls === 0) this.#settler.hurry();
  }

  /** Starts one call, or sees one off that need not start; false: nothing more can be done now. */
  #startOne(): boolean {
    const chunk = this.#suspect ?? this.#ready[0];
    const retry = this.#retries.size > 0;
    if (this.#stop.signal.aborted || (!retry && chunk === undefined)) return false;
    if (!retry && chunk !== undefined) {
      if (chunk === this.#suspect && !this.#isAlone(chunk)) return false;
      if (!this.#options.watch.allows(chunk.message)) {
        if (chunk === this.#ready[0]) this.#ready.shift();
        this.#returnRest(chunk, 0);
        return true;
      }
      const next = chunk.peek();
      if (next !== undefined && !this.#options.hasTime(next, chunk.message, 0)) {
        // Another call of its chunk may be shorter.
        this.#returnRest(chunk, 0, 1);
        if (chunk.isTaken && chunk === this.#ready[0]) this.#ready.shift();
        return true;
      }
      if (!this.#marker.mayStart(chunk)) return false;
    }
    if (!this.#slots.take()) return false;
    if (!this.#pacer.take()) {
      this.#slots.give();
      return false;
    }
    if (retry) this.#retries.next();
    else if (chunk !== undefined) this.#startNext(chunk);
    return true;
  }

  #startNext(chunk: Chunk): void {
    const task = chunk.take();
    if (chunk.isTaken && chunk === this.#ready[0]) this.#ready.shift();
    if (task === undefined) {
      this.#slots.give();
      return;
    }
    this.#readyCalls--;
    this.#held++;
    const now = Date.now();
    this.#pace.note(now);
    if (now > chunk.message.policy.deadlineAt) {
      this.#slots.give();
      this.#executor.expire(task);
      return;
    }
    this.#slots.note(task.call.timeoutMs ?? chunk.message.policy.timeoutMs);
    this.#executor.start(task);
  }

  /** A suspect waits until all else is over and told of, and is then alone until it is over itself. */
  #isAlone(suspect: Chunk): boolean {
    if (suspect.isTaken || this.#held > 0) return false;
    if (this.#settler.isIdle) return true;
    this.#settler
      .flush()
      .then(() => this.#pump())
      .catch(this.#options.onFailed);
    return false;
  }

  /** What was not started goes back, or is dropped where its run does not want it any more. */
  #returnRest(chunk: Chunk, notBefore: number, max = Infinity): void {
    const wanted = this.#options.watch.allows(chunk.message);
    for (let returned = 0; returned < max; returned++) {
      const task = chunk.take();
      if (task === undefined) return;
      this.#readyCalls--;
      if (wanted) this.#settler.putBack(task, Math.max(notBefore, chunk.message.notBefore ?? 0));
      else this.#settler.drop(task);
    }
  }

  #give(): void {
    this.#slots.give();
    // What a finished call makes of its end comes first; then the next one starts.
    queueMicrotask(() => this.#pump());
  }

  #done(settle: () => void): void {
    settle();
    this.#held--;
    if (this.#held === 0) this.#idle?.();
  }
}
