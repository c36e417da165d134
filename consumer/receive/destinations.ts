import type {
  Destination,
  LaneLimit,
  Refusal,
  WindowBounds,
} from "../../shared/coordination/coordination.ts";
import { refuseDestination, reopenDestination } from "../../shared/coordination/destination.ts";
import { OutOfReach } from "../../shared/coordination/patience.ts";
import type { Policy } from "../../shared/model/policy.ts";
import type { Attempt } from "../execute/attempt.ts";
import { parseRetryAfter } from "../execute/delay.ts";
import type { CallTask, Chunk } from "./chunk.ts";
import type { Gate } from "./gate.ts";
import { Gates } from "./gates.ts";
import type { GatesOptions } from "./gates.ts";
import { nameFailure, pausesAfter, readSign, startOf } from "./sign.ts";
import type { Sign } from "./sign.ts";

/** How often is read what others have seen: while all is well, and while some destination is not simply open. */
const READ_MS = 500;
const READ_SOON_MS = 200;
/** A probe whose worker died is given to another when its call's time is over, and this. */
const PROBE_MARGIN_MS = 1_000;

type News = Omit<Refusal, "lane" | "origin" | "now" | keyof WindowBounds>;

/**
 * What a worker knows of its lane's destinations: those that are closed, have a window, or whose failures are counted.
 *
 * In: ends of attempts, and what coordination tells. Out: {@link Gate}s, through which their calls start.
 * States: quiet (every destination is simply open, and a call costs one look at that) ⇄ alert. What happens here acts
 * here at once, by the same arithmetic as in coordination, whose answer then holds.
 */
export class Destinations {
  readonly #options: GatesOptions;
  readonly #gates: Gates;
  #timer: NodeJS.Timeout | undefined;
  #isAwake = false;
  /** `performance.now()` */
  #readAt = -Infinity;

  constructor(options: GatesOptions) {
    this.#options = options;
    this.#gates = new Gates(options);
  }

  /** No call needs a gate. */
  get isQuiet(): boolean {
    return this.#gates.isQuiet;
  }

  setLimit(limit: LaneLimit): void {
    this.#gates.setLimit(limit);
  }

  /** While there is work, what others have seen is read. Resolves once it has been, if that is long ago. */
  async wake(): Promise<void> {
    if (!this.#isAwake) {
      this.#isAwake = true;
      this.#arm();
    }
    if (performance.now() - this.#readAt > READ_MS) await this.#read();
  }

  /** Until `wake` nothing is read any more. */
  rest(): void {
    this.#isAwake = false;
    clearTimeout(this.#timer);
  }

  /** Call when nothing is in flight. */
  async close(): Promise<void> {
    this.rest();
    await this.#tellGrowth();
    await this.#gates.close();
  }

  get gates(): Iterable<Gate> {
    return this.#gates.all;
  }

  /** Of a call about to start; undefined: its destination is simply open. */
  gateOf(origin: string): Gate | undefined {
    return this.#gates.get(origin) ?? (this.#gates.bounds.adapts ? this.#add(origin) : undefined);
  }

  /** Its calls have had their turn. */
  turn(gate: Gate): void {
    this.#gates.turn(gate);
  }

  /** Calls at hand that are not set aside. */
  setDemand(demand: number): void {
    this.#gates.demand = demand;
  }

  /** A call of this chunk waits for the destination: sees to it that `onChange` follows. */
  await(gate: Gate, chunk: Chunk, now: number): void {
    if (gate.known.state === "open") {
      const used = gate.window?.used ?? 0;
      gate.window?.setDemand(used + gate.parked.size + this.#gates.demand + 1);
    } else if (now < gate.known.until) this.#gates.wakeUpAt(gate.known.until);
    else if (gate.probe === undefined && now >= gate.probeUntil) {
      if (now < gate.askAgainAt) this.#gates.wakeUpAt(gate.askAgainAt);
      else void this.#askProbe(gate, chunk);
    }
  }

  /** The attempt could not be made after all, or says nothing of its destination; `origin`: it was in flight to that. */
  give(task: CallTask, origin?: string): void {
    for (const gate of this.#gates.all) if (gate.give(task)) return;
    if (origin !== undefined) this.#gates.get(origin)?.giveStranger();
  }

  /** An attempt has ended. To be called for any while not quiet, and for what may be trouble. */
  over(task: CallTask, attempt: Attempt): void {
    const { policy } = task.chunk.message;
    const now = Date.now();
    const sign = readSign(attempt, policy, now);
    let gate = this.#gates.get(attempt.origin);
    if (gate === undefined) {
      if (sign === "good" || sign === "none") return;
      gate = this.#add(attempt.origin);
    }
    const probed = gate.probe === task;
    if (!gate.give(task)) gate.giveStranger();
    if (sign === "good") this.#noteGood(gate, probed, policy, attempt, now);
    else if (sign !== "none") this.#noteBad(gate, probed, task, attempt, sign, now);
  }

  #noteGood(gate: Gate, probed: boolean, policy: Policy, attempt: Attempt, now: number): void {
    gate.countSuccess(attempt.latencyMs, now);
    const isLate = startOf(attempt, now) < gate.known.newsFrom;
    if (probed || (!isLate && gate.isIgnored(policy, now))) this.#reopen(gate, now);
  }

  #noteBad(
    gate: Gate,
    probed: boolean,
    task: CallTask,
    attempt: Attempt,
    sign: Exclude<Sign, "good" | "none">,
    now: number,
  ): void {
    const { policy } = task.chunk.message;
    const { breaker, retry } = policy;
    const startedAt = startOf(attempt, now);
    const pauses = { startedAt, ...pausesAfter(attempt, gate.latencyMs, policy) };
    const cause = attempt.end?.kind === "answer" ? String(attempt.end.status) : "no answer in time";
    if (sign === "closed") {
      const waitMs = parseRetryAfter(attempt.retryAfter, now, retry.maxRetryAfterMs) ?? 0;
      const until = waitMs > 0 ? { until: now + waitMs } : {};
      this.#refuse(gate, { ...pauses, ...until, effect: "closes", cause }, now);
      return;
    }
    if (sign !== "failed") this.#refuse(gate, { ...pauses, effect: "narrows", cause }, now);
    if (sign === "busy") return;
    // What fails once more says that the call is bad, not that its destination is: at a run's end such calls are all there is.
    const tripped = task.attempts > 1 ? undefined : gate.countFailure(breaker, now);
    if (tripped === undefined) {
      if (!probed) return;
      // It had only asked for patience, and works on calls again, whatever it thinks of this one.
      if (sign === "failed" && !gate.isBroken) {
        this.#reopen(gate, now);
        return;
      }
    }
    const why = `${tripped ?? "the probe failed"}: ${nameFailure(attempt)}`;
    this.#refuse(gate, { ...pauses, ...breaker, startedAt, effect: "breaks", cause: why }, now);
  }

  #refuse(gate: Gate, news: News, now: number): void {
    const { coordination, limit } = this.#options;
    const { startedAt, effect, cause, pauseMs, maxPauseMs, until } = news;
    const refusal: Refusal = {
      lane: limit.lane,
      origin: gate.origin,
      ...this.#gates.bounds,
      startedAt,
      effect,
      cause,
      pauseMs,
      maxPauseMs,
      now,
      ...(until !== undefined && { until }),
    };
    const after = refuseDestination(gate.known, refusal);
    // Old news.
    if (after === gate.known) return;
    gate.touchedAt = performance.now();
    this.#gates.change(gate, after);
    this.#tell(gate, () => coordination.refuse(refusal));
  }

  #reopen(gate: Gate, now: number): void {
    const { coordination, limit, onChange } = this.#options;
    gate.touchedAt = performance.now();
    this.#gates.change(gate, reopenDestination(gate.known, now));
    this.#tell(gate, async () => {
      await coordination.reopen(limit.lane, gate.origin, now);
      return undefined;
    });
    onChange();
  }

  /** What coordination answers holds, unless more has happened here since. */
  #tell(gate: Gate, request: () => Promise<Destination | undefined>): void {
    const askedAt = performance.now();
    request()
      .then((told) => {
        if (told !== undefined && gate.touchedAt <= askedAt) this.#gates.adopt(gate, told);
        return undefined;
      })
      .catch((error: unknown) => this.#isOut(error));
  }

  async #askProbe(gate: Gate, { message }: Chunk): Promise<void> {
    const { coordination, limit, worker, onChange } = this.#options;
    const now = Date.now();
    gate.askAgainAt = now + READ_SOON_MS;
    const ttlMs = message.policy.timeoutMs + PROBE_MARGIN_MS;
    let granted: boolean;
    try {
      const request = { lane: limit.lane, origin: gate.origin, worker, ttlMs, now };
      granted = await coordination.probe(request);
    } catch (error) {
      if (!this.#isOut(error)) return;
      // Out of reach, each worker tries for itself.
      granted = true;
    }
    if (granted) {
      gate.allowProbe(now, ttlMs);
      onChange();
    } else {
      await this.#read();
      if (gate.known.state === "closed") this.#gates.wakeUpAt(gate.askAgainAt);
    }
  }

  #add(origin: string): Gate {
    const gate = this.#gates.add(origin);
    if (this.#isAwake) this.#arm();
    return gate;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const ms = this.#gates.isQuiet ? READ_MS : READ_SOON_MS;
    this.#timer = setTimeout(() => {
      void this.#look().finally(() => {
        if (this.#isAwake) this.#arm();
      });
    }, ms);
  }

  async #look(): Promise<void> {
    await this.#tellGrowth();
    await this.#read();
  }

  async #read(): Promise<void> {
    const { coordination, limit, onChange } = this.#options;
    const askedAt = performance.now();
    this.#readAt = askedAt;
    try {
      this.#gates.adoptAll(await coordination.destinations(limit.lane), askedAt);
      onChange();
    } catch (error) {
      this.#isOut(error);
    }
  }

  async #tellGrowth(): Promise<void> {
    const { coordination, limit } = this.#options;
    // Their order may change meanwhile.
    const gates = [...this.#gates.all];
    for (const gate of gates) {
      const successes = gate.takeSuccesses();
      if (successes === 0) continue;
      const growth = { ...this.#gates.bounds, lane: limit.lane, origin: gate.origin, successes };
      const askedAt = performance.now();
      try {
        const told = await coordination.grow({ ...growth, now: Date.now() });
        if (gate.touchedAt <= askedAt) this.#gates.adopt(gate, told);
      } catch (error) {
        this.#isOut(error);
      }
    }
  }

  /** Is that all? Any other error ends the worker. */
  #isOut(error: unknown): boolean {
    if (error instanceof OutOfReach) return true;
    this.#options.onFailed(error);
    return false;
  }
}
