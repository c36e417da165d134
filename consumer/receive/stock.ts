import type { LaneLimit } from "../../shared/coordination/coordination.ts";
import type { LanePump } from "./lane-pump.ts";
import type { Permits } from "./permits.ts";

/** Calls ready beside those in flight, so that a free slot never waits for a receive: as many as slots, or as start in a tenth of a second, and at least: */
const MIN_AHEAD = 50;
/** Where a rate says how many can start, no more than start in this time: others may work them off, and other runs come after them. */
const AHEAD_MS = 2_000;
const MIN_AHEAD_OF_RATE = 10;
/** Calls held at once at the most (in flight, ready, waiting to be tried again), as a multiple of the limit, and at least: */
const MAX_HELD_FACTOR = 20;
const MIN_MAX_HELD = 2000;
/** While all that is ready is of one run, so often a receive looks for another's; up to so many times what is wanted. */
const LOOK_MS = 1_000;
const MAX_LOOK_FACTOR = 4;

/** How much a lane's worker is to receive. */
export class Stock {
  readonly #pump: LanePump;
  readonly #permits: Permits;
  readonly #onRoom: () => void;
  /** `performance.now()` */
  #receivedAt = -Infinity;
  #timer: NodeJS.Timeout | undefined;

  constructor(pump: LanePump, permits: Permits, onRoom: () => void) {
    this.#pump = pump;
    this.#permits = permits;
    this.#onRoom = onRoom;
  }

  noteReceive(): void {
    this.#receivedAt = performance.now();
  }

  /** Calls that could be received before enough are ready; 0 or less while there are, or too many are held. */
  missing(limit: LaneLimit): number {
    const pump = this.#pump;
    if (pump.isBarren) return this.#look();
    const wanted = this.#wanted(limit);
    const ready = pump.unstarted;
    const room = Math.max(MIN_MAX_HELD, this.#permits.limit * MAX_HELD_FACTOR) - pump.held;
    // Half at a time: a receive for each call that starts would bring one message each.
    if (ready <= wanted / 2) return Math.min(wanted - ready, room);
    if (pump.isMixed || room <= 0 || ready > wanted * MAX_LOOK_FACTOR) return 0;
    return this.#look();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** One call at least, of which a receive brings a message, once in a while. */
  #look(): number {
    const waitMs = this.#receivedAt + LOOK_MS - performance.now();
    if (waitMs <= 0) return 1;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#onRoom();
    }, waitMs);
    return 0;
  }

  #wanted({ rate }: LaneLimit): number {
    const wanted = Math.max(MIN_AHEAD, this.#permits.limit, this.#pump.pace.ahead);
    if (rate === undefined) return wanted;
    const starts = (rate.count * AHEAD_MS) / rate.perMs / this.#permits.workers;
    return Math.min(wanted, Math.max(MIN_AHEAD_OF_RATE, rate.burst ?? 1, Math.ceil(starts)));
  }
}
