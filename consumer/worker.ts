import type { AnswerStore } from "../shared/answers/answer-store.ts";
import type { Broker } from "../shared/broker/broker.ts";
import { LANE_VISIBILITY_SECONDS } from "../shared/broker/topology.ts";
import type { ClaimStore } from "../shared/claims/claim-store.ts";
import type { LaneActivity, RunningWorker } from "../shared/command.ts";
import type { Coordination, LaneLimit } from "../shared/coordination/coordination.ts";
import { beginPatience } from "../shared/coordination/patience.ts";
import type { PatientCoordination } from "../shared/coordination/patience.ts";
import { formatDuration } from "../shared/duration.ts";
import { log } from "../shared/log/log.ts";
import { SenpuError } from "../shared/errors.ts";
import { DEFAULT_CONCURRENCY, DEFAULT_LANE, TOTAL } from "../shared/model/lane.ts";
import { AccessBook } from "./auth/access-book.ts";
import { LanePoller } from "./receive/lane-poller.ts";
import { RunWatch } from "./receive/run-watch.ts";
import { Total } from "./receive/total.ts";

/** How often lanes that runs claim, and their limits, are read. */
const LANES_MS = 500;
const GRACE_MS = 30_000;
/** Who stops waits no longer than this for coordination that is out of reach, nor, after its grace, for the broker. */
const STOP_PATIENCE_MS = 5_000;

export interface WorkerParts {
  readonly broker: Broker;
  readonly coordination: Coordination;
  readonly claims: ClaimStore;
  readonly answers: AnswerStore;
  /** Unique among living workers. */
  readonly name: string;
  /** As in `WorkerOptions`. */
  readonly declared?: readonly LaneLimit[];
  /** As in `WorkerOptions`. */
  readonly only?: readonly string[] | undefined;
  /** A line for the log: coordination is out of reach, or answers again; calls were cut. Default: standard error. */
  readonly onNotice?: (text: string) => void;
}

/**
 * A worker: takes chunks of every lane that is declared or that a run claims, makes the calls, tells what became of them.
 *
 * The core of `senpu worker` and of a run's own workers. Holds no state that a successor would need. While coordination
 * is out of reach it goes on with what it knew last.
 */
export class Worker implements RunningWorker {
  readonly failed: Promise<never>;
  readonly #parts: WorkerParts;
  readonly #say: (text: string) => void;
  readonly #coordination: PatientCoordination;
  readonly #total: Total;
  readonly #watch: RunWatch;
  readonly #accesses: AccessBook;
  readonly #lanes = new Map<string, LanePoller>();
  #timer: NodeJS.Timeout | undefined;
  #isStopping = false;
  #onFailed: (error: unknown) => void = () => {};

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.failed = new Promise((_, reject) => {
      this.#onFailed = reject;
    });
    // Whoever waits for it hears of it; whoever does not must not die of it.
    this.failed.catch(() => {});
    this.#say = parts.onNotice ?? writeNotice;
    this.#coordination = beginPatience(parts.coordination, this.#say);
    const coordination = this.#coordination;
    this.#total = new Total({ coordination, worker: parts.name, onFailed: this.#onFailed });
    this.#watch = new RunWatch(coordination, this.#onFailed);
    this.#accesses = new AccessBook();
  }

  /** Resolves once it works on the lanes there are; lanes that come later are taken up as they come. */
  async start(): Promise<void> {
    await this.#takeLanes();
    this.#timer = setInterval(() => {
      this.#takeLanes().catch(this.#onFailed);
    }, LANES_MS);
  }

  /**
   * As {@link RunningWorker} says; of calls that are still in flight after `graceMs`, safe ones go back to the queue and
   * unsafe ones end as `unknown`. Rejects with {@link SenpuError} `broker` when that could not be told in time: then it
   * comes back by its visibility timeout.
   */
  async stop(graceMs = GRACE_MS): Promise<void> {
    clearInterval(this.#timer);
    this.#isStopping = true;
    const patience = setTimeout(() => this.#coordination.giveUp(), STOP_PATIENCE_MS);
    const late = Promise.withResolvers<never>();
    const limit = setTimeout(() => {
      const text = `the worker could not hand back what it held within ${STOP_PATIENCE_MS} ms of its grace time; it comes back by itself within ${LANE_VISIBILITY_SECONDS} s`;
      late.reject(new SenpuError("broker", text));
    }, graceMs + STOP_PATIENCE_MS);
    try {
      await Promise.race([this.#end(graceMs), late.promise]);
    } finally {
      clearTimeout(limit);
      clearTimeout(patience);
      // What could not be stopped goes on until its parts are closed, and is not to be heard.
      this.#coordination.giveUp();
      this.#watch.close();
    }
  }

  async #end(graceMs: number): Promise<void> {
    const given = this.#total.stop();
    const cuts = await Promise.all([...this.#lanes.values()].map((lane) => lane.stop(graceMs)));
    await given;
    await this.#total.close();
    const putBack = cuts.reduce((sum, cut) => sum + cut.putBack, 0);
    const unknown = cuts.reduce((sum, cut) => sum + cut.unknown, 0);
    if (putBack + unknown === 0) return;
    this.#say(
      `calls still in flight after ${formatDuration(graceMs)} were cut: ${putBack} went back to the queue, ` +
        `${unknown} that must not be repeated ended as unknown`,
    );
  }

  lanes(): readonly LaneActivity[] {
    const activities = [...this.#lanes.values()].map((lane) => lane.activity());
    if (this.#coordination.outSince === undefined) return activities;
    return activities.map((activity) => ({ ...activity, binding: { by: "coordination" } }));
  }

  async #takeLanes(): Promise<void> {
    const { broker, claims, answers, name, declared = [], only } = this.#parts;
    const coordination = this.#coordination;
    const claimed = await coordination.lanes();
    const undeclared = (only ?? [DEFAULT_LANE]).map((lane): LaneLimit => ({
      lane,
      concurrency: DEFAULT_CONCURRENCY,
    }));
    // What is claimed holds over what is declared.
    const all = [...undeclared, ...declared, ...claimed];
    const byLane = new Map(all.map((limit) => [limit.lane, limit]));
    this.#total.setLimit(byLane.get(TOTAL));
    byLane.delete(TOTAL);
    const limits = [...byLane.values()].filter(({ lane }) => only?.includes(lane) ?? true);
    const added = limits.filter(({ lane }) => !this.#lanes.has(lane));
    if (added.length > 0) await broker.ensure(added.map(({ lane }) => lane));
    if (this.#isStopping) return;
    for (const limit of limits) {
      const known = this.#lanes.get(limit.lane);
      if (known !== undefined) known.setLimit(limit);
      else {
        this.#lanes.set(
          limit.lane,
          new LanePoller({
            broker,
            coordination,
            claims,
            answers,
            watch: this.#watch,
            accesses: this.#accesses,
            worker: name,
            limit,
            total: this.#total,
            onFailed: this.#onFailed,
          }),
        );
      }
    }
  }
}

function writeNotice(text: string): void {
  if (log.warn !== undefined) {
    log.warn({}, text);
    return;
  }
  process.stderr.write(`senpu worker ${process.pid}: ${text}\n`);
}
