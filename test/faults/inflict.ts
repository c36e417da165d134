import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { ChaosProxy } from "../support/chaos-proxy.ts";
import type { Dice } from "./dice.ts";
import type { Fault, Role, Strike, Way } from "./fault.ts";
import { now } from "./journal.ts";
import type { Journal } from "./journal.ts";
import { signal } from "./processes.ts";
import type { QueueTricks } from "./queue-tricks.ts";
import type { Troupe } from "./troupe.ts";

export interface InflictorOptions {
  readonly troupe: Troupe;
  readonly tricks: QueueTricks;
  /** On the way to a lane's API, where there is one. */
  readonly proxies: ReadonlyMap<string, ChaosProxy>;
  readonly dice: Dice;
  readonly journal: Journal;
}

/** Of util-linux. */
const LIMITER = "/usr/bin/prlimit";
/** Of what is on its way through a proxy, delays included. */
const LATE_MS = 500;
/** Who has tried in vain tries again within this. */
const AGAIN_MS = 1_000;
/** No file of the process may be written past this. */
const FULL_BYTES = 4_096;

/** Makes faults come true. What lasts a while is undone by itself, and by `end` at the latest. */
export class Inflictor {
  readonly #options: InflictorOptions;
  readonly #undoing = new Set<Promise<void>>();
  readonly #end = new AbortController();
  #clockMs = 0;

  constructor(options: InflictorOptions) {
    this.#options = options;
  }

  async inflict(fault: Fault): Promise<void> {
    const { journal } = this.#options;
    const { atMs: _at, ...strike } = fault;
    journal.note(`fault ${JSON.stringify(strike)}`);
    let struck = false;
    try {
      struck = await this.#strike(strike);
    } catch (error) {
      // Whom it was to befall is not there just now.
      journal.note(`could not: ${String(error)}`);
    }
    if (struck) journal.count(fault.kind);
    else journal.missed++;
  }

  /** Undoes what lasts still. */
  async end(): Promise<void> {
    this.#end.abort();
    await Promise.all(this.#undoing);
  }

  /** False: nobody was there. */
  async #strike(strike: Strike): Promise<boolean> {
    const { troupe, dice } = this.#options;
    switch (strike.kind) {
      case "kill":
        return this.#kill(strike.role);
      case "wipe":
        return this.#wipe();
      case "stop":
        return this.#forAWhile(strike.forMs, this.#one(strike.role), (pid) => {
          const from = now();
          const stop = { from, until: Infinity };
          if (!signal(pid, "SIGSTOP")) return undefined;
          this.#options.journal.stops.push(stop);
          return () => {
            stop.until = now();
            signal(pid, "SIGCONT");
          };
        });
      case "cut":
        return this.#cut(strike.way);
      case "dark":
        return this.#change(strike.way, strike.forMs, (proxy) => proxy.goDark());
      case "mute":
        return this.#change(strike.way, strike.forMs, (proxy) => proxy.loseAnswers());
      case "delay":
        return this.#change(strike.way, strike.forMs, (proxy) => proxy.delay(strike.ms));
      case "garble":
        return this.#change(strike.way, strike.forMs, (proxy) =>
          proxy.garble(strike.share, dice.next),
        );
      case "duplicate":
        return this.#met(strike.kind, async (tricks, endpoint) =>
          tricks.duplicate(endpoint, strike.queue, strike.count),
        );
      case "expose":
        return this.#met(strike.kind, async (tricks, endpoint) =>
          tricks.expose(endpoint, tricks.inFlight(), strike.count),
        );
      case "reorder": {
        const { endpoint } = troupe;
        if (endpoint === undefined) return false;
        return (await this.#options.tricks.reorder(endpoint)) > 0;
      }
      case "full":
        return this.#forAWhile(strike.forMs, this.#one("recorder"), (pid) => {
          if (!limitFiles(pid, `${FULL_BYTES}:unlimited`)) return undefined;
          // A broker that cannot store takes no outcome.
          const stop = { from: now(), until: Infinity };
          if (troupe.pidsOf("broker").includes(pid)) this.#options.journal.stops.push(stop);
          return () => {
            limitFiles(pid, "unlimited:unlimited");
            stop.until = now() + AGAIN_MS;
          };
        });
      case "jump":
      default:
        this.#clockMs += strike.byMs;
        if (strike.byMs > 0) this.#options.journal.jumps.push(now());
        troupe.setClocks(this.#clockMs);
        return true;
    }
  }

  #one(role: Role): number | undefined {
    const pids = this.#options.troupe.pidsOf(role);
    return pids.length === 0 ? undefined : this.#options.dice.pick(pids);
  }

  #kill(role: Role): boolean {
    const pid = this.#one(role);
    if (pid === undefined || !signal(pid, "SIGKILL")) return false;
    this.#options.journal.disturb(`${role} ${pid} killed`);
    this.#noteDoubled();
    return true;
  }

  /**
   * Calls that were being put back, split off or sent just then stand in two messages, and may be made from both. Looked
   * for once more, for what the dead process had asked of the broker last.
   */
  #noteDoubled(): void {
    const { tricks, journal } = this.#options;
    const look = (): void => {
      try {
        const ids = tricks.doubled();
        if (ids.size > 0) journal.disturb("in two messages", now(), ids);
      } catch (error) {
        journal.note(`could not look into the queues: ${String(error)}`);
      }
    };
    look();
    this.#later(LATE_MS, look);
  }

  #cut(way: Way): boolean {
    const { journal } = this.#options;
    const count = this.#proxy(way).cut();
    journal.note(`${count} connections cut`);
    this.#blame(way, now());
    return count > 0;
  }

  /** Notes what the network did, from then to now. */
  #blame(way: Way, from: number): void {
    const { journal } = this.#options;
    if (way === "broker") {
      journal.disturb("the broker was hard to reach", from);
      this.#noteDoubled();
    } else {
      const lane = way.slice("lane-".length);
      journal.outages.push({ lane, from: from - LATE_MS, until: now() + LATE_MS });
    }
  }

  async #wipe(): Promise<boolean> {
    const { troupe, tricks, journal } = this.#options;
    const pids = troupe.pidsOf("worker").filter((pid) => signal(pid, "SIGKILL"));
    // Before another worker can have any.
    const held = tricks.inFlight();
    for (const pid of pids) {
      journal.disturb(`worker ${pid} killed`);
      journal.count("kill");
    }
    this.#noteDoubled();
    if (pids.length > 0 && troupe.endpoint !== undefined) {
      await tricks.expose(troupe.endpoint, held);
    }
    return pids.length > 0;
  }

  /** Messages of which there are two now, or will be. */
  async #met(
    why: "duplicate" | "expose",
    act: (tricks: QueueTricks, endpoint: string) => Promise<Set<string>[]>,
  ): Promise<boolean> {
    const { troupe, tricks, journal } = this.#options;
    if (troupe.endpoint === undefined) return false;
    const met = await act(tricks, troupe.endpoint);
    for (const ids of met) {
      if (ids.size > 0) journal.disturb(why, now(), ids);
      if (why === "duplicate") journal.duplicates++;
    }
    return met.length > 0;
  }

  #proxy(way: Way): ChaosProxy {
    const { troupe, proxies } = this.#options;
    const proxy = way === "broker" ? troupe.proxy : proxies.get(way.slice("lane-".length));
    if (proxy === undefined) throw new Error(`there is no proxy on the way to ${way}`);
    return proxy;
  }

  #change(way: Way, forMs: number, change: (proxy: ChaosProxy) => void): boolean {
    const proxy = this.#proxy(way);
    const from = now();
    change(proxy);
    this.#later(forMs, () => {
      proxy.clear();
      this.#blame(way, from);
    });
    return true;
  }

  #forAWhile(
    forMs: number,
    pid: number | undefined,
    begin: (pid: number) => (() => void) | undefined,
  ): boolean {
    if (pid === undefined) return false;
    const undo = begin(pid);
    if (undo === undefined) return false;
    this.#later(forMs, undo);
    return true;
  }

  #later(ms: number, undo: () => void): void {
    const undoing = sleep(ms, undefined, { signal: this.#end.signal })
      .catch(() => {})
      .then(() => {
        undo();
        this.#undoing.delete(undoing);
        return undefined;
      });
    this.#undoing.add(undoing);
  }
}

/** False when the process is gone. */
function limitFiles(pid: number, fsize: string): boolean {
  const { status, error } = spawnSync(LIMITER, ["--pid", String(pid), `--fsize=${fsize}`]);
  if (error !== undefined) throw error;
  return status === 0;
}
