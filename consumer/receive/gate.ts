import { Bag } from "../../shared/bag.ts";
import type { DestinationRecord } from "../../shared/coordination/destination.ts";
import type { BreakerPolicy, Policy } from "../../shared/model/policy.ts";
import { Breaker } from "./breaker.ts";
import type { CallTask } from "./chunk.ts";
import type { Slots } from "./slots.ts";
import { WaitingLine } from "./waiting-line.ts";

/** Statuses that refuse: any other cause of a closing is a breaker's. */
const REFUSALS: ReadonlySet<string> = new Set(["429", "503"]);

/** A window twice as large as the one that was refused something grows so many times faster, and no faster than: */
const HASTE = 6;
const MAX_HASTE = 8;

/**
 * One destination that is not simply open, as this worker knows it: where its calls wait, and what lets them through.
 *
 * States: open, with a window or counted by a breaker → closed → (its time over) one call probes, if coordination gives
 * the probe to this worker → open. The lane's {@link Destinations} changes them; this answers what they mean for a call.
 */
export class Gate {
  readonly origin: string;
  readonly parked = new WaitingLine();
  known: DestinationRecord;
  /** `performance.now()` of the last change made here; what was asked for before says nothing of it. */
  touchedAt = 0;
  /** Share of the calls in flight that it may have. */
  window: Slots | undefined;
  /** The window kept a call from starting since it was last asked. */
  isBound = false;
  #successes = 0;
  /** The call that probes. */
  probe: CallTask | undefined;
  /** Until when this worker may probe, epoch milliseconds. */
  probeUntil = 0;
  /** It is not asked for a probe before this, epoch milliseconds. */
  askAgainAt = 0;
  /** How wide its window was when it was last halved, and a little more; Infinity: never. */
  refusedAt = Infinity;
  /** How long good answers take, in milliseconds; 0: none seen. */
  latencyMs = 0;
  /** It was closed for longer since what is parked was looked at. */
  mustSort = false;
  /** Epoch milliseconds. */
  lastUsedAt = 0;
  #breaker: Breaker | undefined;
  /** Calls in flight that hold a slot of the window. */
  readonly #holding = new Bag<CallTask>();
  /** The same, of calls that started before there was a window. */
  #strangers = 0;

  constructor(known: DestinationRecord) {
    this.origin = known.origin;
    this.known = known;
  }

  /** Until when calls of this policy are kept waiting; 0: it is open to them. In the past: until the probe's answer. */
  closedUntil(policy: Policy, now: number): number {
    if (this.known.state === "open" || this.isIgnored(policy, now)) return 0;
    return this.known.until;
  }

  /** Closed by a breaker, which these calls do not have, or which has waited for long enough. */
  isIgnored({ breaker }: Policy, now: number): boolean {
    return this.isBroken && (breaker === null || this.#hasGivenUp(breaker, now));
  }

  get isBroken(): boolean {
    return this.known.state === "closed" && !REFUSALS.has(this.known.cause);
  }

  /** May a call be started now, as far as its destination goes? */
  lets(policy: Policy, now: number): boolean {
    if (this.closedUntil(policy, now) > 0) {
      return this.probe === undefined && now < this.probeUntil && now >= this.known.until;
    }
    if (this.window === undefined || this.window.isFree) return true;
    this.isBound = true;
    return false;
  }

  /** A call that it lets through starts. */
  take(task: CallTask, policy: Policy, timeoutMs: number, now: number): void {
    this.lastUsedAt = now;
    if (this.closedUntil(policy, now) > 0) this.probe = task;
    if (this.window === undefined) return;
    // A probe may find calls of a wider window still in flight: the lease is never less than what is held.
    this.window.take();
    this.window.note(timeoutMs);
    this.#holding.add(task);
  }

  /** The call's attempt is over, or could not be made. False: it holds no slot of the window, not even as a probe. */
  give(task: CallTask): boolean {
    if (this.probe === task) {
      this.probe = undefined;
      this.probeUntil = 0;
    }
    const holds = this.#holding.delete(task);
    if (holds) this.window?.give();
    return holds;
  }

  /** An attempt is over that started before there was a window. */
  giveStranger(): void {
    if (this.#strangers === 0) return;
    this.#strangers--;
    this.window?.give();
  }

  /** This worker may make the call that probes. */
  allowProbe(now: number, ttlMs: number): void {
    this.probeUntil = now + ttlMs;
    this.known = { ...this.known, newsFrom: now };
  }

  /** From now on it has a window; so many calls are in flight already. */
  open(window: Slots, inFlight: number): void {
    this.window = window;
    this.#strangers = inFlight;
    window.adopt(inFlight);
  }

  dropWindow(): Slots | undefined {
    const { window } = this;
    this.window = undefined;
    this.#holding.clear();
    this.#strangers = 0;
    this.#successes = 0;
    return window;
  }

  #hasGivenUp({ giveUpMs }: BreakerPolicy, now: number): boolean {
    return this.isBroken && now - this.known.closedSince > giveUpMs;
  }

  /** When the breaker trips: how many have failed. It then counts anew. */
  countFailure(policy: BreakerPolicy | null, now: number): string | undefined {
    if (policy === null || this.#hasGivenUp(policy, now)) return undefined;
    this.#breaker ??= new Breaker(policy);
    this.#breaker.note(true, now);
    if (this.known.state === "closed" || !this.#breaker.hasTripped(now)) return undefined;
    const cause = this.#breaker.describe();
    this.#breaker = undefined;
    return cause;
  }

  countSuccess(latencyMs: number, now: number): void {
    this.#breaker?.note(false, now);
    this.latencyMs = this.latencyMs === 0 ? latencyMs : 0.8 * this.latencyMs + 0.2 * latencyMs;
    if (this.window !== undefined && this.isBound) this.#successes++;
  }

  /**
   * Successes since the last time while the window kept more from starting. Where it has outgrown what was refused last,
   * they count for more and more: the server takes more than it did, and one more a round trip would be long in finding
   * out how much.
   */
  takeSuccesses(): number {
    const successes = this.#successes;
    this.#successes = 0;
    if (successes === 0) return 0;
    this.isBound = this.parked.size > 0;
    const beyond = (this.known.window ?? 0) / this.refusedAt - 1;
    return successes * (1 + Math.min(MAX_HASTE, Math.max(0, beyond * HASTE)));
  }

  /** After a closing, what was counted before it is no news. */
  forgetCounts(): void {
    this.#breaker = undefined;
  }

  /** Nothing is known of it that differs from a destination that is simply open. */
  isPlain(now: number): boolean {
    if (this.#breaker?.isQuiet(now) === true) this.#breaker = undefined;
    return (
      this.known.state === "open" &&
      this.window === undefined &&
      this.#breaker === undefined &&
      this.parked.size === 0
    );
  }
}
