import type { Broker } from "../shared/broker/broker.ts";
import type { ClaimStore } from "../shared/claims/claim-store.ts";
import type { LaneActivity, RunningWorker } from "../shared/command.ts";
import type { Coordination, LaneLimit } from "../shared/coordination/coordination.ts";
import { beginPatience } from "../shared/coordination/patience.ts";
import type { PatientCoordination } from "../shared/coordination/patience.ts";
import { DEFAULT_CONCURRENCY, DEFAULT_LANE, TOTAL } from "../shared/model/lane.ts";
import { LanePoller } from "./receive/lane-poller.ts";
import { RunWatch } from "./receive/run-watch.ts";
import { Total } from "./receive/total.ts";

/** How often lanes that runs claim, and their limits, are read. */
const LANES_MS = 500;
const GRACE_MS = 30_000;
/** Who stops waits no longer than this for coordination that is out of reach. */
const STOP_PATIENCE_MS = 5_000;

export interface WorkerParts {
  readonly broker: Broker;
  readonly coordination: Coordination;
  readonly claims: ClaimStore;
  /** Unique among living workers. */
  readonly name: string;
  /** A line for the log: coordination is out of reach, or answers again. Default: standard error. */
  readonly onNotice?: (text: string) => void;
}

/**
 * A worker: takes chunks of every lane that a run claims, makes the calls, tells what became of them.
 *
 * The core of `senpu worker` and of a run's own workers. Holds no state that a successor would need. While coordination
 * is out of reach it goes on with what it knew last.
 */
export class Worker implements RunningWorker {
  readonly failed: Promise<never>;
  readonly #parts: WorkerParts;
  readonly #coordination: PatientCoordination;
  readonly #total: Total;
  readonly #watch: RunWatch;
  readonly #lanes = new Map<string, LanePoller>();
  #timer: NodeJS.Timeout | undefined;
  #onFailed: (error: unknown) => void = () => {};

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.failed = new Promise((_, reject) => {
      this.#onFailed = reject;
    });
    // Whoever waits for it hears of it; whoever does not must not die of it.
    this.failed.catch(() => {});
    const say = parts.onNotice ?? writeNotice;
    this.#coordination = beginPatience(parts.coordination, say);
    const coordination = this.#coordination;
    this.#total = new Total({ coordination, worker: parts.name, onFailed: this.#onFailed });
    this.#watch = new RunWatch(coordination, this.#onFailed);
  }

  /** Resolves once it works on the lanes there are; lanes that come later are taken up as they come. */
  async start(): Promise<void> {
    await this.#takeLanes();
    this.#timer = setInterval(() => {
      this.#takeLanes().catch(this.#onFailed);
    }, LANES_MS);
  }

  async stop(graceMs = GRACE_MS): Promise<void> {
    clearInterval(this.#timer);
    const patience = setTimeout(() => this.#coordination.giveUp(), STOP_PATIENCE_MS);
    try {
      await Promise.all([...this.#lanes.values()].map((lane) => lane.stop(graceMs)));
      await this.#total.close();
    } finally {
      clearTimeout(patience);
      this.#watch.close();
    }
  }

  lanes(): readonly LaneActivity[] {
    const activities = [...this.#lanes.values()].map((lane) => lane.activity());
    if (this.#coordination.outSince === undefined) return activities;
    return activities.map((activity) => ({ ...activity, binding: { by: "coordination" } }));
  }

  async #takeLanes(): Promise<void> {
    const { broker, claims, name } = this.#parts;
    const coordination = this.#coordination;
    const all = await coordination.lanes();
    this.#total.setLimit(all.find(({ lane }) => lane === TOTAL));
    const claimed = all.filter(({ lane }) => lane !== TOTAL);
    const limits: LaneLimit[] = claimed.some(({ lane }) => lane === DEFAULT_LANE)
      ? claimed
      : [...claimed, { lane: DEFAULT_LANE, concurrency: DEFAULT_CONCURRENCY }];
    const added = limits.filter(({ lane }) => !this.#lanes.has(lane));
    if (added.length > 0) await broker.ensure(added.map(({ lane }) => lane));
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
            watch: this.#watch,
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
  process.stderr.write(`senpu worker ${process.pid}: ${text}\n`);
}
