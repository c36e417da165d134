import type { Call } from "../../shared/model/call.ts";
import type { CallsMessage } from "../../shared/model/message.ts";
import type { Chunk } from "./chunk.ts";
import type { Destinations } from "./destinations.ts";
import type { Gate } from "./gate.ts";
import type { Waiting } from "./waiting-line.ts";

/** Waits for a destination that are longer than this are spent in the queue. */
const DEFER_AFTER_MS = 5_000;
/** What comes back from there is spread over this and a fifth of the wait, so that not all come in one second. */
const SPREAD_MS = 1_000;
const SPREAD_SHARE = 0.2;
/** Calls out of their chunks for one destination, so that those behind them may start. */
const MAX_PARKED = 250;

export interface ParkingHost {
  readonly destinations: Destinations;
  allows(message: CallsMessage): boolean;
  hasTime(call: Call, message: CallsMessage, inMs: number): boolean;
}

/** What becomes of a call whose destination does not let it: it waits here, or in the queue, or its time will have passed. */
export type Aside = "here" | "queue" | "expired";

/**
 * Calls that wait for their destination, each at its {@link Gate}: they hold no slot, and no other destination's calls.
 */
export class Parking {
  size = 0;
  readonly #host: ParkingHost;

  constructor(host: ParkingHost) {
    this.#host = host;
  }

  /** Why nothing starts, where only these are left. */
  get stop(): "destination" | "nothing" {
    return this.size > 0 ? "destination" : "nothing";
  }

  hasRoom(gate: Gate): boolean {
    return gate.parked.size < MAX_PARKED;
  }

  judge(call: Call, message: CallsMessage, gate: Gate, now: number): Aside {
    const until = gate.closedUntil(message.policy, now);
    const waitMs = Math.max(0, until - now);
    if (until > message.policy.deadlineAt) return "expired";
    return waitMs > DEFER_AFTER_MS || !this.#host.hasTime(call, message, waitMs) ? "queue" : "here";
  }

  setAside(waiting: Waiting, gate: Gate, now: number): void {
    const { chunk, call } = waiting.task;
    if (!this.#host.allows(chunk.message)) {
      waiting.drop();
      return;
    }
    const aside = this.judge(call, chunk.message, gate, now);
    if (aside === "expired") waiting.expire();
    else if (aside === "queue") waiting.putBack(dueBack(gate, chunk, now));
    else {
      gate.parked.push(waiting);
      this.size++;
    }
  }

  /** A destination that lets its first call in line start; undefined: none does. */
  next(now: number): Gate | undefined {
    for (const gate of this.#host.destinations.gates) {
      if (gate.mustSort) this.#sort(gate, now);
      const first = this.#first(gate, now);
      if (first === undefined) continue;
      const { policy } = first.task.chunk.message;
      if (gate.lets(policy, now)) return gate;
      this.#host.destinations.await(gate, first.task.chunk, now);
    }
    return undefined;
  }

  /** The first call in line is started. */
  take(gate: Gate): void {
    gate.parked.shift();
    this.size--;
    this.#host.destinations.turn(gate);
  }

  /** Nothing waits here any more. */
  returnAll(now: number): void {
    for (const gate of this.#host.destinations.gates) {
      for (const waiting of gate.parked.clear()) waiting.putBack(Math.max(now, gate.known.until));
    }
    this.size = 0;
  }

  /** The first in line; those whose run or time has ended are seen off. */
  #first(gate: Gate, now: number): Waiting | undefined {
    for (;;) {
      const waiting = gate.parked.peek();
      if (waiting === undefined) return undefined;
      const { message } = waiting.task.chunk;
      const allowed = this.#host.allows(message);
      if (allowed && now <= message.policy.deadlineAt) return waiting;
      gate.parked.shift();
      this.size--;
      if (allowed) waiting.expire();
      else waiting.drop();
    }
  }

  /** It was closed for longer: who waits here may have to wait elsewhere. */
  #sort(gate: Gate, now: number): void {
    gate.mustSort = false;
    const all = gate.parked.clear();
    this.size -= all.length;
    for (const waiting of all) this.setAside(waiting, gate, now);
  }
}

/** When a call is to come back from the queue. Calls of one chunk stay together, so that they share a message. */
export function dueBack(gate: Gate, chunk: Chunk, now: number): number {
  const until = Math.max(now, gate.known.until);
  return until + chunk.spread * (SPREAD_MS + SPREAD_SHARE * (until - now));
}
