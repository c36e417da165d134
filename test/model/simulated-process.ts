import { AsyncLocalStorage } from "node:async_hooks";
import type { VirtualTime } from "./virtual-time.ts";

/** What becomes of a process at a call of a port, or of an API. */
export interface Fate {
  /** At any call, or at one of an API. */
  readonly at: "any" | "attempt";
  /** At the how-maniest of those from now; 0: at the next. */
  readonly after: number;
  /** It dies before the call has had its effect, or after, without hearing of it. Or the call fails, before or after. */
  readonly how: "dies before" | "dies after" | "fails before" | "fails after";
}

/** How a process of the world came to its end. */
export type End = "killed" | "failed" | "exited";

export interface ProcessEvents {
  /** A call of it fails. */
  onFault(): void;
  onEnd(end: End): void;
}

const running = new AsyncLocalStorage<SimulatedProcess>();

/**
 * A process of a simulated world, all of them within this one.
 *
 * All that it sends or stores goes through `call`. So it can die at each of its awaits: from then on nothing that it asked
 * for is answered, and no timer of it fires, which is all that the others can see of a death.
 */
export class SimulatedProcess {
  readonly name: string;
  readonly time: VirtualTime;
  /** Calls made, of ports and APIs. */
  calls = 0;
  readonly #latencyMs: () => number;
  readonly #events: ProcessEvents;
  #fate: { left: number; readonly fate: Fate } | undefined;
  #end: End | undefined;

  /** `latencyMs`: of a call, on its way there and again on its way back. */
  constructor(name: string, time: VirtualTime, latencyMs: () => number, events: ProcessEvents) {
    this.name = name;
    this.time = time;
    this.#latencyMs = latencyMs;
    this.#events = events;
  }

  static get current(): SimulatedProcess | undefined {
    return running.getStore();
  }

  run<T>(work: () => T): T {
    return running.run(this, work);
  }

  get isDead(): boolean {
    return this.#end !== undefined;
  }

  end(how: End): void {
    if (this.#end !== undefined) return;
    this.#end = how;
    this.#events.onEnd(how);
  }

  doom(fate: Fate): void {
    this.#fate = { left: fate.after, fate };
  }

  pardon(): void {
    this.#fate = undefined;
  }

  /** One call of something outside: `effect` is what it does there, `refusal` what it throws when it fails. */
  async call<T>(effect: () => T | Promise<T>, refusal: () => Error): Promise<T> {
    const fate = this.takeFate("port");
    await this.#travel();
    if (fate === "dies before") this.end("killed");
    if (this.isDead) return never();
    if (fate?.startsWith("fails") === true) this.#events.onFault();
    if (fate === "fails before") throw refusal();
    const result = await effect();
    if (fate === "dies after") this.end("killed");
    if (this.isDead) return never();
    await this.#travel();
    if (this.isDead) return never();
    if (fate === "fails after") throw refusal();
    return result;
  }

  /** What is to befall the call that is made now; counts it. */
  takeFate(of: "port" | "attempt"): Fate["how"] | undefined {
    this.calls++;
    if (this.#fate === undefined) return undefined;
    const { at, how } = this.#fate.fate;
    if (at !== "any" && at !== of) return undefined;
    if (this.#fate.left-- > 0) return undefined;
    this.#fate = undefined;
    return how;
  }

  async #travel(): Promise<void> {
    const ms = this.#latencyMs();
    if (ms > 0) await new Promise<void>((resolve) => void this.time.set(resolve, ms));
  }
}

function never<T>(): Promise<T> {
  return new Promise(() => {});
}
