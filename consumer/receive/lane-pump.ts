import type { CallTask, Chunk } from "./chunk.ts";
import type { Gate } from "./gate.ts";
import { passLacking } from "./pass-lacking.ts";
import type { LackingPump } from "./pass-lacking.ts";
import { OriginFinder } from "./origin-finder.ts";
import { Pace } from "./pace.ts";
import { Parking, dueBack } from "./parking.ts";
import { seeOff, waitingOf } from "./pump-host.ts";
import type { PumpHost, Stop } from "./pump-host.ts";
import { ReadyLine } from "./ready-line.ts";
import type { Pump } from "./total.ts";
import { WaitingLine } from "./waiting-line.ts";
import type { Waiting } from "./waiting-line.ts";

/** Where all that is received is put back at once, one receive in this time finds what is not. */
const BARREN_MS = 1_000;

/**
 * Starts a lane's calls: those to be tried again, those whose destination lets them at last, then new ones.
 *
 * A call starts once there are, at the same moment, a slot of its lane, of the total and of its destination's window, and
 * a start time of the lane's rate and of the total's: then it takes all of them, before that none. A call whose
 * destination is closed is set aside, so that it holds up no other.
 */
export class LanePump implements Pump {
  /** Calls in chunks, not started. */
  readyCalls = 0;
  /** Calls taken out of their chunk and not yet settled, put back or dropped. */
  held = 0;
  /** Why the last call that could not be started was not. */
  stop: Stop = "nothing";
  readonly pace = new Pace();
  readonly #host: PumpHost;
  readonly #ready = new ReadyLine();
  readonly #retries = new WaitingLine();
  readonly #parking: Parking;
  readonly #origins = new OriginFinder();
  /** Taken before all else, and worked on alone. */
  #suspect: Chunk | undefined;
  #barrenUntil = 0;
  #pumping = false;
  #pumpAgain = false;

  constructor(host: PumpHost) {
    this.#host = host;
    this.#parking = new Parking(host);
    host.permits.total.join(this);
  }

  /** Calls that could start if everything let them. */
  get atHand(): number {
    return this.readyCalls + this.#parking.size + this.#retries.size;
  }

  /** Calls not yet started, in chunks or set aside. */
  get unstarted(): number {
    return this.readyCalls + this.#parking.size;
  }

  /** All that was received of late was put back at once: more would be, too. */
  get isBarren(): boolean {
    return Date.now() < this.#barrenUntil;
  }

  /** Calls of several runs are ready, or none. */
  get isMixed(): boolean {
    return this.#ready.runs !== 1;
  }

  /** False: there is a suspect already, and this one is to wait. */
  add(chunk: Chunk): boolean {
    this.readyCalls += chunk.ready;
    if (chunk.message.suspect !== true) this.#ready.push(chunk);
    else if (this.#suspect === undefined) this.#suspect = chunk;
    else return false;
    return true;
  }

  /** The chunk is over. */
  forget(chunk: Chunk): void {
    if (chunk !== this.#suspect) return;
    this.#suspect = undefined;
    this.pump();
  }

  /** A call wants to be tried again. */
  lineUp(waiting: Waiting): void {
    if (this.#host.stopping.aborted) waiting.putBack(Date.now());
    else {
      this.#retries.push(waiting);
      this.pump();
    }
  }

  /** Everything that was not started goes back. */
  returnAll(): void {
    const now = Date.now();
    for (const waiting of this.#retries.clear()) waiting.putBack(now);
    this.#parking.returnAll(now);
    for (const chunk of this.#ready.clear()) this.returnRest(chunk, 0);
    if (this.#suspect !== undefined) this.returnRest(this.#suspect, 0);
  }

  /** Starts whatever may be started now. Called whenever that may have changed. */
  pump(): void {
    const { permits } = this.#host;
    if (permits.total.isOn) {
      permits.setDemand(this, this.atHand);
      permits.total.pump();
      return;
    }
    if (this.#pumping) {
      this.#pumpAgain = true;
      return;
    }
    this.#pumping = true;
    do {
      this.#pumpAgain = false;
      while (this.startOne());
    } while (this.#pumpAgain);
    this.#pumping = false;
    this.rest();
  }

  rest(): void {
    this.#host.permits.setDemand(this, this.atHand);
    this.#host.destinations.setDemand(this.readyCalls);
    this.#host.rested();
  }

  startOne(): boolean {
    const { destinations, stopping } = this.#host;
    if (stopping.aborted) return false;
    const retry = this.#retries.peek();
    if (retry !== undefined) return this.#startAgain(retry);
    if (this.#parking.size > 0) {
      const now = Date.now();
      const gate = this.#parking.next(now);
      if (gate !== undefined) return this.#startParked(gate, now);
    }
    const chunk = this.#suspect ?? this.#ready.head;
    if (chunk === undefined) return this.#stopFor(this.#parking.stop);
    if (chunk === this.#suspect && !this.#isAlone(chunk)) return this.#stopFor("nothing");
    return destinations.isQuiet && chunk.access === undefined
      ? this.#startNext(chunk, undefined)
      : this.#startSomeOf(chunk);
  }

  /** What was not started goes back, or is dropped where its run does not want it any more. */
  returnRest(chunk: Chunk, notBefore: number, max = Infinity): void {
    for (let returned = 0; returned < max; returned++) {
      const task = chunk.take();
      if (task === undefined) break;
      this.readyCalls--;
      this.#host.leave(task, Math.max(notBefore, chunk.message.notBefore ?? 0));
    }
    if (chunk.isTaken) this.#ready.remove(chunk);
  }

  #startAgain(retry: Waiting): boolean {
    const { destinations } = this.#host;
    if (!this.#host.allows(retry.task.chunk.message)) {
      this.#retries.shift();
      retry.drop();
      return true;
    }
    const now = Date.now();
    const gate = destinations.isQuiet ? undefined : destinations.gateOf(retry.origin);
    if (gate !== undefined && !gate.lets(retry.task.chunk.message.policy, now)) {
      this.#retries.shift();
      this.#parking.setAside(retry, gate, now);
      return true;
    }
    if (!this.#isFree()) return false;
    this.#retries.shift();
    this.#host.permits.take(retry.task, gate);
    retry.start();
    return true;
  }

  #startParked(gate: Gate, now: number): boolean {
    const waiting = gate.parked.peek();
    if (waiting === undefined || !this.#isFree()) return false;
    this.#parking.take(gate);
    this.#barrenUntil = 0;
    this.pace.note(now);
    this.#host.permits.take(waiting.task, gate);
    waiting.start();
    return true;
  }

  /** Of this chunk, or, where its next call lacks something or its destination does not let it, of one behind it. */
  #startSomeOf(first: Chunk): boolean {
    const now = Date.now();
    const { isQuiet } = this.#host.destinations;
    let stop: Stop = "destination";
    for (const chunk of first === this.#suspect ? [first] : this.#ready.all()) {
      const lack = chunk.access?.lack(chunk.message.policy, now);
      if (lack !== undefined) {
        if (passLacking(this.#lacking, this.#host, chunk, lack, now)) return true;
        stop = "credentials";
        continue;
      }
      const gate = isQuiet ? undefined : this.#gateOf(chunk);
      const mayStart =
        gate === undefined || (gate.parked.size === 0 && gate.lets(chunk.message.policy, now));
      if (mayStart) return this.#startNext(chunk, gate);
      if (this.#passOver(chunk, gate, now)) return true;
    }
    return this.#stopFor(stop);
  }

  readonly #lacking: LackingPump = {
    pump: () => this.pump(),
    takeOut: (chunk) => this.#takeOut(chunk),
    returnRest: (chunk, notBefore, max) => this.returnRest(chunk, notBefore, max),
    noteBarren: (now) => void (this.#barrenUntil = now + BARREN_MS),
  };

  #gateOf(chunk: Chunk): Gate | undefined {
    const next = chunk.peek();
    if (next === undefined) return undefined;
    return this.#host.destinations.gateOf(this.#origins.find(chunk, next));
  }

  /** The chunk's next call cannot start for its destination's sake. True: it is out of the way of those behind it. */
  #passOver(chunk: Chunk, gate: Gate, now: number): boolean {
    const next = chunk.peek();
    if (next === undefined || seeOff(this, this.#host, chunk, next)) return true;
    const aside = this.#parking.judge(next, chunk.message, gate, now);
    if (aside === "queue") {
      this.#barrenUntil = now + BARREN_MS;
      this.returnRest(chunk, dueBack(gate, chunk, now), 1);
      return true;
    }
    this.#host.destinations.await(gate, chunk, now);
    // Unsafe calls stay where their marks are, and suspects alone.
    const mayPark = !chunk.guarded && chunk !== this.#suspect && this.#parking.hasRoom(gate);
    if (aside === "here" && !mayPark) return false;
    const task = this.#takeOut(chunk);
    if (task !== undefined) {
      this.#parking.setAside(waitingOf(this.#host, task, gate.origin), gate, now);
    }
    return true;
  }

  #startNext(chunk: Chunk, gate: Gate | undefined): boolean {
    const next = chunk.peek();
    if (next === undefined) {
      this.#ready.remove(chunk);
      return true;
    }
    if (seeOff(this, this.#host, chunk, next)) return true;
    if (!this.#host.marker.mayStart(chunk)) return this.#stopFor("marking");
    if (!this.#isFree()) return false;
    const task = this.#takeOut(chunk);
    if (task === undefined) return true;
    const now = Date.now();
    this.#barrenUntil = 0;
    this.pace.note(now);
    if (now > chunk.message.policy.deadlineAt) {
      this.#host.expire(task);
      return true;
    }
    this.#host.permits.take(task, gate);
    this.#host.start(task);
    return true;
  }

  #takeOut(chunk: Chunk): CallTask | undefined {
    const task = chunk.take();
    if (chunk !== this.#suspect) {
      if (chunk.isTaken) this.#ready.remove(chunk);
      else this.#ready.turn();
    }
    if (task === undefined) return undefined;
    this.readyCalls--;
    this.held++;
    return task;
  }

  /** Is all there but the destination's leave? Whatever is not there tells when it is. */
  #isFree(): boolean {
    const missing = this.#host.permits.missing(this.atHand);
    return missing === undefined || this.#stopFor(missing);
  }

  #stopFor(stop: Stop): false {
    this.stop = stop;
    return false;
  }

  /** A suspect waits until all else is over and told of, and is then alone until it is over itself. */
  #isAlone(suspect: Chunk): boolean {
    return !suspect.isTaken && this.held === 0 && this.#host.isToldOf();
  }
}
