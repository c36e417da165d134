import type { setTimeout as setTimeoutLater } from "node:timers/promises";
import { createRequire, syncBuiltinESMExports } from "node:module";
import type { TimerOptions } from "node:timers";
import { SimulatedProcess } from "./simulated-process.ts";

/**
 * Time of a simulated world: timers that fire one after the other, as soon as nothing else is left to do.
 *
 * `Date.now`, `performance.now`, `setTimeout`, `setInterval` and `node:timers/promises` ask which simulated process they
 * are called by, and serve everybody else as ever. A timer fires in the process that set it, or, once that is dead, not.
 */
export class VirtualTime {
  /** Epoch milliseconds. */
  now = Date.UTC(2026, 7, 1);
  readonly #queue: Timer[] = [];
  #next = 0;

  /** Of the process that is running, or of nobody. */
  set(callback: () => void, ms: number, everyMs?: number): Timer {
    // Whole milliseconds, and one at least, as Node's are.
    const at = this.now + Math.max(1, Math.trunc(ms) || 1);
    const timer = new Timer(at, this.#next++, callback, everyMs, SimulatedProcess.current);
    this.#push(timer);
    return timer;
  }

  /** Lets so much time pass, and everything happen that happens meanwhile. */
  async pass(ms: number): Promise<void> {
    const until = this.now + ms;
    await untilIdle();
    for (let timer = this.#due(until); timer !== undefined; timer = this.#due(until)) {
      this.now = Math.max(this.now, timer.at);
      timer.fire();
      if (timer.everyMs !== undefined && !timer.isOver) {
        timer.at += timer.everyMs;
        timer.order = this.#next++;
        this.#push(timer);
      }
      await untilIdle();
    }
    this.now = until;
  }

  #due(until: number): Timer | undefined {
    for (;;) {
      const first = this.#queue[0];
      if (first === undefined || first.at > until) return undefined;
      this.#pop();
      if (!first.isOver) return first;
    }
  }

  #push(timer: Timer): void {
    const queue = this.#queue;
    let at = queue.length;
    queue.push(timer);
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(timer, queue[above] as Timer)) break;
      queue[at] = queue[above] as Timer;
      at = above;
    }
    queue[at] = timer;
  }

  #pop(): void {
    const queue = this.#queue;
    const last = queue.pop() as Timer;
    if (queue.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= queue.length) break;
      if (below + 1 < queue.length && isBefore(queue[below + 1] as Timer, queue[below] as Timer)) {
        below++;
      }
      if (!isBefore(queue[below] as Timer, last)) break;
      queue[at] = queue[below] as Timer;
      at = below;
    }
    queue[at] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Looks enough like one of Node's. */
class Timer {
  at: number;
  order: number;
  readonly everyMs: number | undefined;
  readonly #callback: () => void;
  readonly #owner: SimulatedProcess | undefined;
  #isCleared = false;

  constructor(
    at: number,
    order: number,
    callback: () => void,
    everyMs: number | undefined,
    owner: SimulatedProcess | undefined,
  ) {
    this.at = at;
    this.order = order;
    this.everyMs = everyMs;
    this.#callback = callback;
    this.#owner = owner;
  }

  get isOver(): boolean {
    return this.#isCleared || this.#owner?.isDead === true;
  }

  clear(): void {
    this.#isCleared = true;
  }

  fire(): void {
    if (this.everyMs === undefined) this.#isCleared = true;
    if (this.#owner === undefined) this.#callback();
    else this.#owner.run(this.#callback);
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

const realImmediate = setImmediate;

/** Resolves once no promise has anything left to do. */
function untilIdle(): Promise<void> {
  return new Promise((resolve) => {
    realImmediate(resolve);
  });
}

/** From now on simulated processes live in their world's time. Returns how to undo it. */
export function installVirtualTime(): () => void {
  const real = { setTimeout, setInterval, clearTimeout, clearInterval, now: Date.now };
  const sleep = createRequire(import.meta.url)("node:timers/promises") as {
    setTimeout: typeof setTimeoutLater;
  };
  const realSleep = sleep.setTimeout;
  const realPerformanceNow = performance.now.bind(performance);

  const set = (repeats: boolean) =>
    function setVirtual(callback: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) {
      const { current } = SimulatedProcess;
      if (current === undefined) {
        return (repeats ? real.setInterval : real.setTimeout)(callback, ms, ...args);
      }
      const call = args.length === 0 ? callback : (): void => callback(...args);
      return current.time.set(call, ms, repeats ? Math.max(1, Math.trunc(ms)) : undefined);
    };
  const clear = (timer: unknown): void => {
    if (timer instanceof Timer) timer.clear();
    else real.clearTimeout(timer as NodeJS.Timeout);
  };
  globalThis.setTimeout = set(false) as unknown as typeof setTimeout;
  globalThis.setInterval = set(true) as unknown as typeof setInterval;
  globalThis.clearTimeout = clear;
  globalThis.clearInterval = clear;
  Date.now = () => SimulatedProcess.current?.time.now ?? real.now();
  performance.now = () => SimulatedProcess.current?.time.now ?? realPerformanceNow();
  const sleepVirtual = (ms = 0, value?: unknown, options?: TimerOptions): Promise<unknown> => {
    const { current } = SimulatedProcess;
    if (current === undefined) return realSleep(ms, value, options);
    return sleepIn(current.time, ms, options?.signal);
  };
  sleep.setTimeout = sleepVirtual as typeof sleep.setTimeout;
  syncBuiltinESMExports();
  return () => {
    Object.assign(globalThis, {
      setTimeout: real.setTimeout,
      setInterval: real.setInterval,
      clearTimeout: real.clearTimeout,
      clearInterval: real.clearInterval,
    });
    Date.now = real.now;
    Reflect.deleteProperty(performance, "now");
    sleep.setTimeout = realSleep;
    syncBuiltinESMExports();
  };
}

function sleepIn(time: VirtualTime, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(abortError());
      return;
    }
    const abort = (): void => {
      timer.clear();
      reject(abortError());
    };
    const timer = time.set(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", abort, { once: true });
  });
}

function abortError(): Error {
  return Object.assign(new Error("The operation was aborted"), {
    name: "AbortError",
    code: "ABORT_ERR",
  });
}
