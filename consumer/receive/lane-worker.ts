import type { Delivery } from "../../shared/broker/broker.ts";
import { wholeCall } from "../../shared/claims/claimed-call.ts";
import type { LaneActivity } from "../../shared/command.ts";
import type { LaneLimit } from "../../shared/coordination/coordination.ts";
import { AnswerDesk } from "../answer/answer-desk.ts";
import type { Attempt } from "../execute/attempt.ts";
import { Executor } from "../execute/executor.ts";
import type { CutCalls, SlotAnswer } from "../execute/executor-host.ts";
import { HttpClient } from "../execute/http-client.ts";
import { Settler } from "../settle/settler.ts";
import type { Tally } from "../settle/settler.ts";
import { readBinding } from "./binding.ts";
import type { CallTask, Chunk } from "./chunk.ts";
import { Destinations } from "./destinations.ts";
import { Intake } from "./intake.ts";
import type { LaneWorkerOptions } from "./lane-worker-options.ts";
import { LanePump } from "./lane-pump.ts";
import { OpenChunks } from "./open-chunks.ts";
import { Permits } from "./permits.ts";
import { mayBeTrouble } from "./sign.ts";
import { StartMarker } from "./start-marker.ts";
import { Stock } from "./stock.ts";

/** After how long a suspect that had to wait for another comes again. */
const SUSPECT_DELAY_MS = 1000;

/**
 * Works on deliveries of one lane's queue, wherever they come from: a poller's receives, or a function's event.
 *
 * In: deliveries. Out: calls made, as many at once as slots are granted and as soon as the rate allows, in no order that
 * would let a slow call hold up another: free slots are filled from the next chunk while one is unfinished.
 * States: working → stopping (starts nothing, waits for what is in flight) → stopped.
 */
export class LaneWorker {
  readonly chunks: OpenChunks;
  readonly #options: LaneWorkerOptions;
  readonly #stop = new AbortController();
  readonly #cut: CutCalls = { putBack: 0, unknown: 0 };
  readonly #http = new HttpClient();
  readonly #permits: Permits;
  readonly #destinations: Destinations;
  readonly #pump: LanePump;
  readonly #stock: Stock;
  readonly #intake: Intake;
  readonly #settler: Settler;
  #limit: LaneLimit;
  #idle: (() => void) | undefined;

  constructor(options: LaneWorkerOptions) {
    this.#options = options;
    const { broker, coordination, claims, watch, worker, limit, onFailed, hasTime } = options;
    this.#limit = limit;
    const pump = (): void => this.#pump.pump();
    const shared = { broker, coordination, watch, lane: limit.lane, limit, worker, onFailed };
    this.#permits = new Permits({ ...shared, total: options.total, onReady: pump });
    this.#destinations = new Destinations({
      ...shared,
      inFlight: (origin) => this.#http.inFlight(origin),
      onChange: pump,
    });
    const answers = new AnswerDesk(options.answers, onFailed);
    const onOver = (chunk: Chunk): void => this.#forget(chunk);
    this.#settler = new Settler({ ...shared, meter: options.meter, answers, onOver });
    const ends = {
      putBack: (task: CallTask, notBefore: number) =>
        this.#done(() => this.#settler.putBack(task, notBefore)),
      drop: (task: CallTask) => this.#done(() => this.#settler.drop(task)),
    };
    const executor = new Executor(this.#http, {
      ...ends,
      slot: (task, origin) => this.#slot(task, origin),
      give: (task) => this.#give(task),
      over: (task, attempt) => this.#over(task, attempt),
      whole: (task) => wholeCall(claims, task.call),
      allows: ({ chunk }) => !chunk.isLost && watch.allows(chunk.message),
      hasTime: (task, inMs) => hasTime(task.call, task.chunk.message, inMs),
      reading: (task, policy) => answers.reading(task, policy),
      settle: (...settled) => this.#done(() => this.#settler.settle(...settled)),
      noteCut: (isUnknown) => void this.#cut[isUnknown ? "unknown" : "putBack"]++,
      failed: onFailed,
      stopping: this.#stop.signal,
    });
    this.#pump = new LanePump({
      ...ends,
      permits: this.#permits,
      destinations: this.#destinations,
      marker: new StartMarker(coordination, pump, onFailed),
      stopping: this.#stop.signal,
      start: (task) => executor.start(task),
      expire: (task) => executor.expire(task),
      refuse: (task, lack) => executor.refuse(task, lack),
      leave: (task, notBefore) => this.#leave(task, notBefore),
      allows: (message) => watch.allows(message),
      hasTime,
      isToldOf: () => this.#isToldOf(),
      rested: () => this.#rested(),
    });
    this.chunks = new OpenChunks({ ...shared, pump: this.#pump });
    this.#stock = new Stock(this.#pump, this.#permits, () => options.onRoom?.());
    this.#intake = new Intake({
      ...shared,
      accesses: options.accesses,
      onUnknown: (task, outcome) => this.#settler.settle(task, outcome),
      onLeft: (receipt) => options.onLeft?.(receipt),
    });
  }

  activity(): LaneActivity {
    const inFlight = this.#permits.used;
    const waiting = this.#pump.readyCalls + this.#pump.held - inFlight;
    return {
      lane: this.#limit.lane,
      inFlight,
      waiting,
      limit: this.#permits.limit,
      binding: readBinding(this.#pump, this.#destinations.gates, this.#limit, Date.now()),
    };
  }

  setLimit(limit: LaneLimit): void {
    this.#limit = limit;
    this.#permits.setLimit(limit);
    this.#destinations.setLimit(limit);
  }

  /**
   * Puts everything back that is not in flight, or drops it where its run has ended; finishes what is in flight, within
   * `graceMs` from now, and returns what had to be cut then.
   * Nothing starts from now on; what `receiving` still brings, until it resolves, is put back too.
   */
  async stop(graceMs: number, receiving?: Promise<void>): Promise<CutCalls> {
    if (this.#stop.signal.aborted) return this.#cut;
    this.#stop.abort();
    const given = this.#permits.stop();
    this.#stock.close();
    const { countsCuts = false } = this.#options;
    const grace = setTimeout(() => this.#http.giveUp(!countsCuts), graceMs);
    // Before that, what goes back could be handed to this worker's own poll, which nobody reads any more.
    await receiving;
    this.#returnAll();
    while (this.#pump.held > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    clearTimeout(grace);
    this.#options.total.leave(this.#pump);
    try {
      await this.#settler.flush();
    } finally {
      this.chunks.close();
      this.#settler.stop();
      await given;
      await Promise.all([this.#permits.close(), this.#destinations.close(), this.#http.close()]);
    }
    return this.#cut;
  }

  /** To the queue, without waiting for what could go with it. */
  #returnAll(): void {
    this.#pump.returnAll();
    this.#permits.setDemand(this.#pump, 0);
    this.#settler.hurry();
  }

  /** Takes deliveries on: each is held until nothing of it depends on its message any more. */
  async open(deliveries: readonly Delivery[]): Promise<void> {
    // Before they are read: what must be known of them may be out of reach for a while.
    for (const { receipt } of deliveries) this.chunks.keep(receipt);
    const taken = new Set<string>();
    try {
      const chunks = await this.#intake.open(deliveries);
      if (chunks.length > 0) await this.#destinations.wake();
      for (const chunk of chunks) {
        taken.add(chunk.delivery.receipt);
        this.#take(chunk);
      }
    } finally {
      for (const { receipt } of deliveries) if (!taken.has(receipt)) this.chunks.drop(receipt);
    }
    this.#stock.noteReceive();
    this.#pump.pump();
  }

  /** What became of calls so far. */
  get tally(): Tally {
    return this.#settler.tally;
  }

  /** Calls that could be received before enough are ready; 0 or less while there are, or too many are held. */
  missing(): number {
    return this.#stock.missing(this.#limit);
  }

  #take(chunk: Chunk): void {
    this.chunks.add(chunk);
    if (chunk.ready === 0) {
      // All done by an earlier delivery; or only calls are left that the intake has settled.
      if (chunk.isOver) this.#settler.close(chunk);
      return;
    }
    if (this.#pump.add(chunk)) return;
    // One at a time, or a worker that dies of one would count against all.
    this.#pump.returnRest(chunk, Date.now() + SUSPECT_DELAY_MS * (1 + Math.random()));
  }

  #forget(chunk: Chunk): void {
    if (!this.chunks.delete(chunk)) return;
    if (this.chunks.isEmpty) {
      this.#destinations.rest();
      this.#options.onFinished?.();
    }
    this.#pump.forget(chunk);
  }

  /** Nothing more can be started now. */
  #rested(): void {
    if (!this.#stop.signal.aborted && this.missing() > 0) this.#options.onRoom?.();
    if (this.#pump.held === 0 && this.#pump.readyCalls === 0) this.#settler.hurry();
  }

  #isToldOf(): boolean {
    if (this.#settler.isIdle) return true;
    this.#settler
      .flush()
      .then(() => this.#pump.pump())
      .catch(this.#options.onFailed);
    return false;
  }

  #leave(task: CallTask, notBefore: number): void {
    const { isLost, message } = task.chunk;
    if (!isLost && this.#options.watch.allows(message)) this.#settler.putBack(task, notBefore);
    else this.#settler.drop(task);
  }

  #slot(task: CallTask, origin: string): Promise<SlotAnswer> {
    return new Promise((resolve) => {
      this.#pump.lineUp({
        task,
        origin,
        start: () => resolve("taken"),
        putBack: resolve,
        expire: () => resolve("expired"),
        drop: () => resolve("dropped"),
      });
    });
  }

  #over(task: CallTask, attempt: Attempt): void {
    this.#permits.give();
    this.#options.meter?.over(attempt);
    if (!this.#destinations.isQuiet || mayBeTrouble(attempt)) {
      // Whose worker ends gives up attempts by itself: that says nothing of their destination.
      const isGivenUp = this.#stop.signal.aborted && attempt.end?.kind === "timeout";
      if (isGivenUp) this.#destinations.give(task, attempt.origin);
      else this.#destinations.over(task, attempt);
    }
    this.#pumpSoon();
  }

  #give(task: CallTask): void {
    this.#permits.give();
    if (!this.#destinations.isQuiet) this.#destinations.give(task);
    this.#pumpSoon();
  }

  /** What a finished call makes of its end comes first; then the next one starts. */
  #pumpSoon(): void {
    queueMicrotask(() => this.#pump.pump());
  }

  #done(settle: () => void): void {
    settle();
    if (--this.#pump.held === 0) this.#idle?.();
  }
}
