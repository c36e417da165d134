import type {
  Coordination,
  Destination,
  LaneLimit,
  WindowBounds,
} from "../../shared/coordination/coordination.ts";
import { toDestination, unknownDestination } from "../../shared/coordination/destination.ts";
import type { DestinationRecord } from "../../shared/coordination/destination.ts";
import { Gate } from "./gate.ts";
import { Slots } from "./slots.ts";

/** A destination of a lane that adapts is forgotten here after so long without a call. */
const FORGET_MS = 30_000;
/** Calls at hand may be for a destination that had one so recently. */
const IDLE_MS = 1_000;

export interface GatesOptions {
  readonly coordination: Coordination;
  readonly limit: LaneLimit;
  readonly worker: string;
  /** Calls in flight to an origin. */
  readonly inFlight: (origin: string) => number;
  /** More may be started than before. */
  readonly onChange: () => void;
  readonly onFailed: (error: unknown) => void;
}

/** The {@link Gate}s of a lane, by origin; of most destinations there is none. */
export class Gates {
  /** No call needs a gate. */
  isQuiet: boolean;
  bounds: WindowBounds;
  /** Calls at hand that are not set aside: windows are leased by it. */
  demand = 0;
  readonly #options: GatesOptions;
  readonly #gates = new Map<string, Gate>();
  #wake: NodeJS.Timeout | undefined;
  #wakeAt = Infinity;

  constructor(options: GatesOptions) {
    this.#options = options;
    this.bounds = boundsOf(options.limit);
    this.isQuiet = !this.bounds.adapts;
  }

  setLimit(limit: LaneLimit): void {
    this.bounds = boundsOf(limit);
    for (const gate of this.#gates.values()) this.change(gate, gate.known);
    this.tidy();
  }

  /** Not to be kept while it is changed. */
  get all(): Iterable<Gate> {
    return this.#gates.values();
  }

  get(origin: string): Gate | undefined {
    return this.#gates.get(origin);
  }

  add(origin: string): Gate {
    const gate = new Gate(unknownDestination(origin));
    gate.lastUsedAt = Date.now();
    this.#gates.set(origin, gate);
    this.isQuiet = false;
    this.change(gate, gate.known);
    return gate;
  }

  /** Others come first next time. */
  turn(gate: Gate): void {
    this.#gates.delete(gate.origin);
    this.#gates.set(gate.origin, gate);
  }

  change(gate: Gate, known: DestinationRecord): void {
    const { floor, adapts } = this.bounds;
    const closesLonger = known.state === "closed" && known.until > gate.known.until;
    if (known.narrowedAt !== gate.known.narrowedAt && known.window !== undefined) {
      gate.refusedAt = known.window * 2 + 2;
    }
    gate.known = known;
    if (closesLonger) {
      gate.mustSort = true;
      gate.probeUntil = 0;
      gate.forgetCounts();
      this.wakeUpAt(known.until);
    }
    const window = known.window ?? (adapts ? floor : undefined);
    if (window === undefined) void gate.dropWindow()?.close().catch(this.#options.onFailed);
    else if (gate.window === undefined) this.#openWindow(gate, window);
    else gate.window.setLimit(window);
  }

  /** As coordination tells it; what that does not tell is taken from what is known here. */
  adopt(gate: Gate, told: Destination): void {
    const { known } = gate;
    const closes = told.state === "closed" && told.until !== known.until;
    const reopens = told.state === "open" && known.state === "closed";
    const narrows = (told.window ?? Infinity) < (known.window ?? Infinity);
    this.change(gate, {
      ...known,
      ...told,
      window: told.window,
      newsFrom: closes ? told.until : reopens ? Date.now() : known.newsFrom,
      narrowedAt: narrows ? Date.now() : known.narrowedAt,
    });
    if (reopens) gate.probeUntil = 0;
  }

  /** All that coordination knows, as it was asked for at this moment (`performance.now()`). */
  adoptAll(told: readonly Destination[], askedAt: number): void {
    const byOrigin = new Map(told.map((destination) => [destination.origin, destination]));
    for (const origin of byOrigin.keys()) if (!this.#gates.has(origin)) this.add(origin);
    for (const gate of this.#gates.values()) {
      if (gate.touchedAt > askedAt) continue;
      this.adopt(gate, byOrigin.get(gate.origin) ?? toDestination(unknownDestination(gate.origin)));
    }
    this.tidy();
  }

  /** Tells windows what they are wanted for, and forgets gates that nobody needs any more. */
  tidy(): void {
    const now = Date.now();
    const { adapts } = this.bounds;
    for (const gate of this.#gates.values()) {
      const used = gate.window?.used ?? 0;
      const ready = now - gate.lastUsedAt < IDLE_MS ? this.demand : 0;
      gate.window?.setDemand(used + gate.parked.size + ready);
      const isUnused = used === 0 && gate.parked.size === 0 && gate.known.state === "open";
      const isOld = adapts && isUnused && now - gate.lastUsedAt > FORGET_MS;
      if (!isOld && !gate.isPlain(now)) continue;
      this.#gates.delete(gate.origin);
      void gate.dropWindow()?.close().catch(this.#options.onFailed);
    }
    this.isQuiet = this.#gates.size === 0 && !adapts;
  }

  /** `onChange` is called then. */
  wakeUpAt(at: number): void {
    if (at >= this.#wakeAt) return;
    clearTimeout(this.#wake);
    this.#wakeAt = at;
    this.#wake = setTimeout(
      () => {
        this.#wakeAt = Infinity;
        this.#options.onChange();
      },
      Math.max(1, Math.ceil(at - Date.now())),
    );
  }

  async close(): Promise<void> {
    clearTimeout(this.#wake);
    const windows = [...this.#gates.values()].map((gate) => gate.dropWindow());
    this.#gates.clear();
    for (const window of windows) await window?.close();
  }

  #openWindow(gate: Gate, limit: number): void {
    const { coordination, worker, onChange, onFailed, inFlight } = this.#options;
    const lane = `${this.#options.limit.lane} ${gate.origin}`;
    const slots = new Slots(limit, { coordination, worker, onFailed, lane, onGranted: onChange });
    gate.open(slots, inFlight(gate.origin));
    slots.setDemand(slots.used + this.demand);
  }
}

function boundsOf({ concurrency, minConcurrency }: LaneLimit): WindowBounds {
  const adapts = minConcurrency !== undefined;
  return { floor: minConcurrency ?? 1, ceiling: concurrency, adapts };
}
