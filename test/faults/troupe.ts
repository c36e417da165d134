import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startChaosProxy } from "../support/chaos-proxy.ts";
import type { ChaosProxy } from "../support/chaos-proxy.ts";
import type { StartOptions } from "../support/senpu-process.ts";
import type { Role } from "./fault.ts";
import type { Journal } from "./journal.ts";
import { findNaming, isAlive, signal } from "./processes.ts";
import { Producer } from "./producer.ts";
import type { Scenario } from "./scenario.ts";
import { Service } from "./service.ts";

export interface TroupeOptions {
  readonly scenario: Scenario;
  /** Of the scenario's own; the state folder and the clock lie in it. */
  readonly folder: string;
  readonly plan: string;
  readonly run: string;
  readonly journal: Journal;
}

const LOOK_MS = 200;
const BROKER_MS = 20_000;
/** A broker that was taken over is so within this. */
const TAKEOVER_MS = 2_000;
/** Workers whose run was killed try to reach the broker for half a minute. */
const ORPHAN_MS = 45_000;
const CLOCK = new URL("../support/jumping-clock.ts", import.meta.url);

/** The processes of one scenario: who they are, which of them has a role, and that all of them are gone in the end. */
export class Troupe {
  readonly state: string;
  readonly #options: TroupeOptions;
  readonly #services: Service[] = [];
  readonly #start: StartOptions;
  #proxy: ChaosProxy | undefined;
  #producer: Producer | undefined;

  constructor(options: TroupeOptions) {
    this.#options = options;
    this.state = join(options.folder, "state");
    this.#start = options.scenario.clockJumps
      ? { execArgv: ["--import", CLOCK.href], env: { SENPU_TEST_CLOCK: this.#clock } }
      : {};
  }

  get #clock(): string {
    return join(this.#options.folder, "clock");
  }

  /** On the way to the broker; undefined where there is none. */
  get proxy(): ChaosProxy | undefined {
    return this.#proxy;
  }

  /** Of the broker itself; undefined while nobody holds it. */
  get endpoint(): string | undefined {
    return this.#holder()?.endpoint ?? undefined;
  }

  get producer(): Producer {
    if (this.#producer === undefined) throw new Error("the troupe was not started");
    return this.#producer;
  }

  async start(): Promise<void> {
    const { scenario, journal, plan, run } = this.#options;
    const { topology, brokerProxied, workers } = scenario;
    const own = ["--state", this.state];
    let words = own;
    if (topology === "apart" || brokerProxied) {
      const isNeeded = (): Promise<void> => this.#untilNobodyHolds();
      this.#serve({ role: "broker", words: ["broker", "--quiet", ...own], start: {}, isNeeded });
      await this.#untilBroker();
    }
    if (brokerProxied) {
      this.#proxy = await startChaosProxy(() =>
        Number(new URL(this.endpoint ?? "http://127.0.0.1:9").port),
      );
      words = [...own, "--endpoint-url", this.#proxy.url];
    }
    const start = this.#start;
    if (topology === "apart") {
      this.#serve({ role: "recorder", words: ["recorder", "--quiet", ...words], start });
      for (let i = 0; i < workers; i++) {
        this.#serve({ role: "worker", words: ["worker", "--quiet", ...words], start });
      }
    }
    const more = {
      alone: [],
      workers: ["--workers", String(workers)],
      apart: ["--no-worker", "--no-recorder"],
    }[topology];
    this.#producer = new Producer({ run, plan, words: [...more, ...words], start, journal });
  }

  /** Process ids, of which there may be none just now. */
  pidsOf(role: Role): number[] {
    const producer = this.#producer?.pid;
    const own = producer === undefined ? [] : [producer];
    const services = this.#services
      .filter((service) => service.role === role)
      .map(({ pid }) => pid)
      .filter((pid) => pid !== undefined);
    switch (role) {
      case "producer":
        return own;
      case "worker":
        return this.#options.scenario.topology === "workers"
          ? this.producer.children
          : services.length > 0
            ? services
            : own;
      case "recorder":
        return this.#options.scenario.topology === "apart" ? services : own;
      case "broker":
      default: {
        const pid = this.#holder()?.pid;
        return pid !== undefined && this.#isOurs(pid) && isAlive(pid) ? [pid] : [];
      }
    }
  }

  /** How far every clock is off from now on, in milliseconds. */
  setClocks(offsetMs: number): void {
    writeFileSync(this.#clock, String(offsetMs));
  }

  /** At once, and whoever it is. */
  kill(): void {
    for (const { pid } of findNaming(this.state)) signal(pid, "SIGKILL");
  }

  /** Ends everything, and notes who did not end, or was left behind. */
  async close(): Promise<void> {
    const { journal } = this.#options;
    await this.#producer?.close();
    // First those that need the broker.
    const brokers = this.#services.filter(({ role }) => role === "broker");
    await Promise.all(
      this.#services.filter(({ role }) => role !== "broker").map((service) => service.close()),
    );
    for (let waitedMs = 0; waitedMs < ORPHAN_MS; waitedMs += LOOK_MS) {
      const left = findNaming(this.state).filter(
        ({ pid }) => !brokers.some((one) => one.pid === pid),
      );
      if (left.length === 0) break;
      await sleep(LOOK_MS);
    }
    await Promise.all(brokers.map((service) => service.close()));
    for (const { pid, words } of findNaming(this.state)) {
      journal.offend(`process ${pid} was left behind: ${words}`);
    }
    this.kill();
    await this.#proxy?.close();
  }

  /** What all of them wrote to stderr. */
  get log(): string {
    return [
      `== producer ==\n${this.#producer?.log ?? ""}`,
      ...this.#services.map(({ role, log }) => `== ${role} ==\n${log}`),
    ].join("\n");
  }

  #serve(options: Omit<ConstructorParameters<typeof Service>[0], "journal">): void {
    this.#services.push(new Service({ ...options, journal: this.#options.journal }));
  }

  #isOurs(pid: number): boolean {
    return findNaming(this.state).some((found) => found.pid === pid);
  }

  #holder(): { readonly pid: number; readonly endpoint: string | null } | undefined {
    try {
      const text = readFileSync(join(this.state, "broker.json"), "utf8");
      return JSON.parse(text) as { pid: number; endpoint: string | null };
    } catch {
      return undefined;
    }
  }

  async #untilBroker(): Promise<void> {
    for (let waitedMs = 0; waitedMs < BROKER_MS; waitedMs += LOOK_MS) {
      if (this.endpoint !== undefined) return;
      await sleep(LOOK_MS);
    }
    throw new Error("the broker did not start");
  }

  /** One that is there already is not disturbed by a second. */
  async #untilNobodyHolds(): Promise<void> {
    const { scenario } = this.#options;
    const patienceMs = scenario.brokerProxied ? 0 : TAKEOVER_MS;
    for (let freeMs = 0; freeMs <= patienceMs;) {
      const holder = this.#holder();
      const isFree = holder === undefined || !isAlive(holder.pid);
      freeMs = isFree ? freeMs + LOOK_MS : 0;
      if (isFree && this.#services.length === 0) return;
      await sleep(LOOK_MS);
    }
  }
}
