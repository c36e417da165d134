import { startRecorder } from "../../consumer/record/recorder.ts";
import { Worker } from "../../consumer/worker.ts";
import type { Plan, PlanEntry } from "../../producer/plan/plan.ts";
import { runPlan } from "../../producer/run/run-plan.ts";
import type { RunningRecorder, RunningWorker, Sides } from "../../shared/command.ts";
import { createMemoryCoordination } from "../../shared/coordination/memory-coordination.ts";
import type { Coordination } from "../../shared/coordination/coordination.ts";
import { SenpuError } from "../../shared/errors.ts";
import type { Ledger } from "../../shared/ledger/ledger.ts";
import { openSqliteLedger } from "../../shared/ledger/sqlite-ledger.ts";
import { DEFAULT_LANE } from "../../shared/model/lane.ts";
import type { Session } from "../../shared/session.ts";
import { Dice } from "../faults/dice.ts";
import { makePolicy } from "../support/policy.ts";
import { CruelBroker, KIND } from "./cruel-broker.ts";
import type { StoredMessage } from "./cruel-broker.ts";
import { Evidence } from "./evidence.ts";
import type { History, Who } from "./history.ts";
import { ModelApi, ORIGIN, RUN_HEADER, connect } from "./model-api.ts";
import type { Ports } from "./ports.ts";
import { NO_ANSWERS, NO_CLAIMS, reachBroker, reachCoordination, reachLedger } from "./ports.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import { VirtualTime } from "./virtual-time.ts";

/** What is broken on purpose, to see that it is found: ports that do not what they are asked. */
export type Sabotage = (ports: Ports, world: World) => Ports;

/** A process, and how it is asked to end. */
interface Living {
  readonly kind: string;
  readonly process: SimulatedProcess;
  /** Conducts that run. */
  readonly run?: string;
  readonly stop: () => void;
}

export const RUN = "first";
const NEVER = new AbortController().signal;

/**
 * One machine, or many, in memory: producers, workers and recorders as they are, between a broker, stores and an API that
 * are models. All that happens in it follows from its history.
 */
export class World {
  readonly time = new VirtualTime();
  readonly evidence: Evidence;
  readonly broker: CruelBroker;
  readonly coordination: Coordination;
  readonly ledger: Ledger;
  readonly api: ModelApi;
  readonly history: History;
  /** What runs were begun for. */
  readonly plans = new Map<string, Plan>();
  readonly #dice: Dice;
  readonly #session: Session;
  readonly #living = new Set<Living>();
  readonly #sides: Sides = {
    loadConsumer: async () => ({
      startWorker: ({ name }) => this.#beginWorker(name),
      startRecorder: () => this.#beginRecorder(),
    }),
  };
  #maxLatencyMs: number;
  #started = 0;
  readonly #processes: SimulatedProcess[] = [];

  constructor(history: History, sabotage: Sabotage = (ports) => ports) {
    const { seed, cruelty, maxLatencyMs, maxAnswerMs, plan } = history;
    this.history = history;
    this.#maxLatencyMs = maxLatencyMs;
    this.#dice = new Dice(seed);
    this.evidence = new Evidence(maxLatencyMs);
    this.broker = new CruelBroker(this.time, new Dice(seed + 1), cruelty, {
      onAccepted: (topic, queue, body) => {
        this.evidence.accepted(queue, body);
        if (topic === "outcomes" && queue === "ledger") this.evidence.told(body);
      },
      onReceived: (queue, body) => {
        const { current } = SimulatedProcess;
        if (current !== undefined) this.evidence.received(current, queue, body);
      },
      onDoubled: (queue, body) => this.evidence.doubled(queue, body),
    });
    this.coordination = createMemoryCoordination(() => this.time.now);
    this.ledger = openSqliteLedger(":memory:");
    this.api = new ModelApi(
      this.time,
      new Dice(seed + 2),
      maxAnswerMs,
      (id, attempt) => {
        const call = plan.calls[Number(id.slice(1))]!;
        return call.answers[attempt] ?? call.last;
      },
      (seen) => this.evidence.attempted(seen),
    );
    const ports = sabotage(
      {
        broker: reachBroker(this.broker),
        coordination: reachCoordination(this.coordination, this.evidence),
        ledger: reachLedger(this.ledger, this.evidence, () => this.time.now),
        claims: NO_CLAIMS,
        answers: NO_ANSWERS,
      },
      this,
    );
    this.#session = {
      ...ports,
      folder: { path: "/model", spool: "/model/spool" } as Session["folder"],
      endpointUrl: "",
      close: async () => {},
    };
    this.plans.set(RUN, this.#makePlan());
  }

  get session(): Session {
    return this.#session;
  }

  get living(): readonly Living[] {
    return [...this.#living];
  }

  find({ kind, nth }: Who): Living | undefined {
    const found = this.living.filter((each) => kind === "any" || each.kind === kind);
    return found[nth % Math.max(1, found.length)];
  }

  /** Does so in a process of its own, which ends with it. A SenpuError is its way to refuse. */
  start(
    kind: string,
    work: (process: SimulatedProcess) => Promise<unknown>,
    more: Partial<Living> = {},
  ): void {
    const name = `${kind} ${++this.#started}`;
    const process = new SimulatedProcess(
      name,
      this.time,
      () => (this.#maxLatencyMs === 0 ? 0 : this.#dice.between(0, this.#maxLatencyMs)),
      {
        onFault: () => this.evidence.faulted(process, this.#heldBy(process), this.time.now),
        onEnd: (how) => {
          this.#living.delete(living);
          if (how !== "exited") {
            this.evidence.ended(process, this.#heldBy(process), this.time.now);
          }
        },
      },
    );
    const living: Living = { kind, process, stop: () => process.end("killed"), ...more };
    this.#living.add(living);
    this.#processes.push(process);
    connect(process, this.api);
    void process.run(async () => {
      try {
        await work(process);
        process.end("exited");
      } catch (error) {
        if (!(error instanceof SenpuError)) {
          this.evidence.violations.push(`${name} throws ${String((error as Error).stack)}`);
        }
        process.end("failed");
      }
    });
  }

  startWorker(): void {
    const stopped = Promise.withResolvers<void>();
    this.start(
      "worker",
      async ({ name }) => {
        const worker = await this.#beginWorker(name);
        await Promise.race([stopped.promise, worker.failed]);
        await worker.stop();
      },
      { stop: () => stopped.resolve() },
    );
  }

  startRecorder(): void {
    const stopped = Promise.withResolvers<void>();
    this.start(
      "recorder",
      async () => {
        const recorder = await this.#beginRecorder();
        await Promise.race([stopped.promise, recorder.failed]);
        await recorder.stop();
      },
      { stop: () => stopped.resolve() },
    );
  }

  /** `alone`: others work and record. */
  conduct(run: string, parent: string | null, alone: boolean): void {
    const abort = new AbortController();
    const plan = this.plans.get(run)!;
    this.start(
      "run",
      ({ name }) =>
        runPlan(plan, this.#sides, {
          session: this.#session,
          state: "/model",
          run,
          parent,
          by: name,
          workers: alone ? 0 : "here",
          recorder: !alone,
          signal: abort.signal,
        }),
      { run, stop: () => abort.abort() },
    );
  }

  /** Within the process that asks. */
  async conductHere(run: string, parent: string | null, signal = NEVER): Promise<void> {
    await runPlan(this.plans.get(run)!, this.#sides, {
      session: this.#session,
      state: "/model",
      run,
      parent,
      by: run,
      signal,
    });
  }

  /** Somebody else uses every lane, so that whatever lies there is received. */
  async claimAllLanes(): Promise<void> {
    const lanes = this.plans.get(RUN)!.lanes.map(({ name, concurrency }) => ({
      lane: name,
      concurrency,
    }));
    await this.coordination.claimLanes("another", lanes);
  }

  parentOf(run: string): string | null {
    return run === RUN ? null : RUN;
  }

  /** Calls of ports and APIs that its processes have made. */
  get calls(): number {
    return this.#processes.reduce((sum, { calls }) => sum + calls, 0);
  }

  beCruel(): void {
    this.broker.be(this.history.cruelty);
    this.#maxLatencyMs = this.history.maxLatencyMs;
  }

  /** From now on nothing goes wrong any more, and all calls of ports are quick. */
  beKind(): void {
    this.broker.be(KIND);
    this.#maxLatencyMs = 0;
    for (const { process } of this.#living) process.pardon();
  }

  async #beginWorker(name: string): Promise<RunningWorker> {
    const worker = new Worker({ ...this.#session, name, onNotice: () => {} });
    await worker.start();
    return worker;
  }

  #beginRecorder(): Promise<RunningRecorder> {
    return startRecorder({ ...this.#session, say: () => {} });
  }

  #heldBy(process: SimulatedProcess): StoredMessage[] {
    return [DEFAULT_LANE, "slow"]
      .flatMap((lane) => this.broker.peek(`lane-${lane}`))
      .filter(({ holder }) => holder === process);
  }

  #makePlan(): Plan {
    const { calls, attempts, retriesUnsafe, concurrency, batch, tolerance } = this.history.plan;
    const entries = calls.map(({ method, lane }, index): PlanEntry => ({
      call: { id: `c${index}`, url: `${ORIGIN}/c${index}`, method },
      lane,
    }));
    const { deadlineAt: _, ...policy } = makePolicy();
    const { retry } = policy;
    return {
      name: "model",
      lanes: ["slow", DEFAULT_LANE].map((name) => ({ name, match: [], concurrency })),
      policy: {
        ...policy,
        headers: { [RUN_HEADER]: RUN },
        retry: { ...retry, attempts, unsafe: retriesUnsafe },
      },
      deadlineMs: 86_400_000,
      tolerance,
      // A program has made it: there is no file to look at.
      source: { path: "", shown: "plan", digest: "0" },
      knownCalls: entries.length,
      async *entries() {
        for (let from = 0; from < entries.length; from += batch) {
          yield entries.slice(from, from + batch);
        }
      },
    };
  }
}
