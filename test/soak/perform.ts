import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Dice } from "../faults/dice.ts";
import { Journal } from "../faults/journal.ts";
import { findNaming, signal } from "../faults/processes.ts";
import { Service } from "../faults/service.ts";
import { startChaosProxy } from "../support/chaos-proxy.ts";
import type { ChaosProxy } from "../support/chaos-proxy.ts";
import { SenpuProcess } from "../support/senpu-process.ts";
import type { Ended } from "../support/senpu-process.ts";
import { emptyFailedQueues, portOfBroker } from "./broker-side.ts";
import { judgeRun } from "./judge-run.ts";
import type { ProcessMeasure, StoreMeasure } from "./measures.ts";
import { figuresOf, rowsOf } from "./read-run.ts";
import { sampleProcess, sampleStores } from "./sample.ts";
import type { Point } from "./series.ts";
import { startSoakApi } from "./soak-api.ts";
import type { SoakApi } from "./soak-api.ts";
import { PLAN_KINDS, makeSoakPlan } from "./soak-plan.ts";
import type { PlanKind } from "./soak-plan.ts";

const SAMPLE_MS = 5_000;
const FAULT_MS = 12_000;
const PRUNE_MS = 60_000;
/** Forgotten by `prune` once they are older. */
const KEEP = "2m";
/** What is older has outlived that, the run that it was of, and a prune. */
const LEFT_MS = 270_000;
/** Rows of runs, one beside the other. */
const ROWS = 2;
/** Each so many runs of a row, one is replayed. */
const REPLAY_EVERY = 5;
const STOPPED_MS = 3_000;
/** From the start of the broker until the others may attach, and of these until there are runs. */
const READY_MS = 3_000;
const TELLER = new URL("./teller.ts", import.meta.url);

/** What is done in a soak, counted. */
export interface Done {
  runs: number;
  replays: number;
  calls: number;
  /** Requests beyond the attempts that the ledger knows of. */
  madeAgain: number;
  kills: number;
  stops: number;
  cuts: number;
  prunes: number;
}

/** `<process> <measure>`, or a measure of the stores. */
export type SeriesName = `${string} ${ProcessMeasure}` | StoreMeasure;

/** The processes of a soak, what befalls them, and what was measured of them. */
export class Soak {
  readonly offences: string[] = [];
  readonly series = new Map<SeriesName, Point[]>();
  /** Never resolves; rejects when the soak itself has failed. */
  readonly failed: Promise<never>;
  readonly #folder: string;
  readonly #state: string;
  readonly #dice: Dice;
  readonly #journal = new Journal();
  readonly #ending = new AbortController();
  readonly #startedAt = performance.now();
  readonly #loops: Promise<void>[] = [];
  readonly #done: Done = {
    runs: 0,
    replays: 0,
    calls: 0,
    madeAgain: 0,
    kills: 0,
    stops: 0,
    cuts: 0,
    prunes: 0,
  };
  #onFailed: (error: unknown) => void = () => {};
  /** By name: they live from beginning to end. */
  #lasting: Record<string, Service> = {};
  #mortal: Service[] = [];
  #api: SoakApi | undefined;
  #apiProxy: ChaosProxy | undefined;
  #brokerProxy: ChaosProxy | undefined;
  #strikes = 0;
  /** How often letters were taken away. */
  #emptied = 0;

  constructor(folder: string, seed: number) {
    this.#folder = folder;
    this.#state = join(folder, "state");
    this.#dice = new Dice(seed);
    this.failed = new Promise((_, reject) => (this.#onFailed = reject));
    this.failed.catch(() => {});
  }

  get done(): Done {
    const cuts = (this.#apiProxy?.cuts ?? 0) + (this.#brokerProxy?.cuts ?? 0);
    return { ...this.#done, cuts };
  }

  /** What the processes did, in order, and what they said. */
  get log(): string {
    const services = [...Object.values(this.#lasting), ...this.#mortal];
    return `${this.#journal.text}\n${services.map(({ role, log }) => `== ${role} ==\n${log}`).join("\n")}`;
  }

  async begin(): Promise<void> {
    mkdirSync(join(this.#folder, "told"));
    const api = await startSoakApi();
    this.#api = api;
    this.#apiProxy = await startChaosProxy(() => Number(new URL(api.url).port));
    this.#brokerProxy = await startChaosProxy(() => portOfBroker(this.#state));
    this.#lasting = { broker: this.#serve("broker") };
    await sleep(READY_MS);
    const through = ["--endpoint-url", this.#brokerProxy.url];
    this.#lasting = {
      ...this.#lasting,
      recorder: this.#serve("recorder"),
      "worker-1": this.#serve("worker"),
      "worker-2": this.#serve("worker", through),
    };
    this.#mortal = [this.#serve("worker"), this.#serve("recorder", through)];
    await sleep(READY_MS);
    for (let row = 0; row < ROWS; row++) {
      let number = 0;
      this.#loop(() => this.#run(row, number++));
    }
    this.#loop(() => this.#sample());
    this.#loop(() => this.#strike());
    this.#loop(() => this.#prune());
  }

  /** Ends runs as they end, then all processes in good order. */
  async end(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#loops);
    const { broker, ...others } = this.#lasting;
    this.#apiProxy?.clear();
    this.#brokerProxy?.clear();
    await Promise.all([...Object.values(others), ...this.#mortal].map((one) => one.close()));
    await broker?.close();
    if (this.log.includes("MaxListenersExceededWarning")) {
      this.offences.push("something has more and more listeners");
    }
    this.offences.push(...this.#journal.offences);
    await this.#apiProxy?.close();
    await this.#brokerProxy?.close();
    await this.#api?.close();
  }

  /** At once, and whoever it is. */
  kill(): void {
    for (const { pid } of findNaming(this.#folder)) signal(pid, "SIGKILL");
  }

  #serve(role: "broker" | "recorder" | "worker", more: readonly string[] = []): Service {
    const words = [role, "--quiet", "--state", this.#state, ...more];
    const start = {
      execArgv: ["--import", fileURLToPath(TELLER)],
      env: { SENPU_SOAK_TELL: join(this.#folder, "told") },
    };
    return new Service({ role, words, start, journal: this.#journal });
  }

  #loop(step: () => Promise<void>): void {
    const repeat = async (): Promise<void> => {
      while (!this.#ending.signal.aborted) await step();
    };
    this.#loops.push(repeat().catch(this.#onFailed));
  }

  /** False: it is to end. */
  #wait(ms: number): Promise<boolean> {
    return sleep(ms, true, { signal: this.#ending.signal }).catch(() => false);
  }

  async #run(row: number, number: number): Promise<void> {
    const run = `soak-${row}-${number}`;
    const emptied = this.#emptied;
    const kind = PLAN_KINDS[(number + row * 3) % PLAN_KINDS.length] as PlanKind;
    const isProxied = number % 2 === 0;
    const url = isProxied ? (this.#apiProxy as ChaosProxy).url : (this.#api as SoakApi).url;
    const plan = makeSoakPlan(kind, run, url, this.#dice);
    const path = join(this.#folder, `plan-${row}.json`);
    writeFileSync(path, plan.text);
    this.#journal.note(`run ${run} begins: ${kind}`);
    const words = ["--no-worker", "--no-recorder", "--json", "--quiet"];
    const ended = await this.#senpu(["run", path, "--run-id", run, ...words]);
    const seen = await (this.#api as SoakApi).seen(run);
    if (!this.#isOver(`run ${run}`, ended)) return;
    const [figures, rows] = await Promise.all([
      figuresOf(this.#state, run),
      rowsOf(this.#state, run),
    ]);
    const { violations, madeAgain } = judgeRun({ figures, rows, calls: plan.calls, seen });
    this.offences.push(...violations.map((violation) => `run ${run} (${kind}): ${violation}`));
    this.#done.runs++;
    this.#done.calls += plan.calls.length;
    this.#done.madeAgain += madeAgain;
    if (figures.failed > 0 && number % REPLAY_EVERY === 0) await this.#replay(run, emptied, words);
  }

  async #replay(run: string, emptied: number, words: readonly string[]): Promise<void> {
    const replay = `${run}-again`;
    const ended = await this.#senpu(["replay", run, "--run-id", replay, ...words]);
    await (this.#api as SoakApi).seen(run);
    // Its letters went while it looked for them.
    if (ended.stderr.includes("left no letter") && this.#emptied !== emptied) return;
    if (!this.#isOver(`replay ${replay}`, ended)) return;
    const { state, planned, succeeded, failed, pending } = await figuresOf(this.#state, replay);
    if (state !== "settled" || planned !== succeeded + failed || pending > 0) {
      this.offences.push(`replay ${replay}: ${JSON.stringify({ state, planned, pending })}`);
    }
    this.#done.replays++;
    this.#done.calls += planned;
  }

  /** All of its calls made, whether they succeeded or not? */
  #isOver(what: string, { exitCode, signal: by, stderr }: Ended): boolean {
    if (exitCode === 0 || exitCode === 1) return true;
    this.offences.push(`${what} ended with ${by ?? exitCode}: ${stderr.slice(-300)}`);
    return false;
  }

  async #sample(): Promise<void> {
    if (!(await this.#wait(SAMPLE_MS))) return;
    for (const [name, service] of Object.entries(this.#lasting)) {
      const found = service.pid && sampleProcess(service.pid, join(this.#folder, "told"));
      if (!found) this.offences.push(`${name} has ended`);
      else this.#keep((measure) => `${name} ${measure as ProcessMeasure}`, found);
    }
    this.#keep(
      (measure) => measure as StoreMeasure,
      sampleStores(this.#state, Date.now() - LEFT_MS),
    );
  }

  #keep(name: (measure: string) => SeriesName, found: Readonly<Record<string, number>>): void {
    const at = (performance.now() - this.#startedAt) / 1_000;
    for (const [measure, value] of Object.entries(found)) {
      const points = this.series.get(name(measure)) ?? [];
      points.push({ at, value });
      this.series.set(name(measure), points);
    }
  }

  /** In turn: a kill of each of the mortal, a stop of one who lasts, a cut on each way. */
  async #strike(): Promise<void> {
    if (!(await this.#wait(FAULT_MS))) return;
    const turn = this.#strikes++;
    switch (turn % 5) {
      case 0:
      case 1: {
        const pid = this.#mortal[turn % this.#mortal.length]?.pid;
        if (pid !== undefined && signal(pid, "SIGKILL")) this.#done.kills++;
        return;
      }
      case 2: {
        const pid = this.#lasting[this.#dice.pick(["recorder", "worker-1", "worker-2"])]?.pid;
        if (pid === undefined || !signal(pid, "SIGSTOP")) return;
        this.#done.stops++;
        await this.#wait(STOPPED_MS);
        signal(pid, "SIGCONT");
        return;
      }
      case 3:
        this.#apiProxy?.cut();
        return;
      default:
        this.#brokerProxy?.goDark();
        await this.#wait(STOPPED_MS);
        this.#brokerProxy?.clear();
    }
  }

  /** Letters too are seen to now and then: that they are kept until then is no leak. */
  async #prune(): Promise<void> {
    if (!(await this.#wait(PRUNE_MS))) return;
    const ended = await this.#senpu(["prune", "--older-than", KEEP, "--json"]);
    if (ended.exitCode === 0) this.#done.prunes++;
    else this.offences.push(`prune ended with ${ended.exitCode}: ${ended.stderr.slice(-300)}`);
    this.#emptied++;
    await emptyFailedQueues(this.#state);
  }

  #senpu(words: readonly string[]): SenpuProcess["ended"] {
    return new SenpuProcess([...words, "--state", this.#state]).ended;
  }
}
