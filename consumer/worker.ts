import type { Broker } from "../shared/broker/broker.ts";
import type { LaneActivity, RunningWorker } from "../shared/command.ts";
import type { Coordination, LaneLimit } from "../shared/coordination/coordination.ts";
import { DEFAULT_CONCURRENCY, DEFAULT_LANE } from "../shared/model/lane.ts";
import { LanePoller } from "./receive/lane-poller.ts";
import { RunWatch } from "./receive/run-watch.ts";

/** How often lanes that runs claim, and their limits, are read. */
const LANES_MS = 500;
const GRACE_MS = 30_000;

export interface WorkerParts {
  readonly broker: Broker;
  readonly coordination: Coordination;
  /** Unique among living workers. */
  readonly name: string;
}

/**
 * A worker: takes chunks of every lane that a run claims, makes the calls, tells what became of them.
 *
 * The core of `senpu worker` and of a run's own workers. Holds no state that a successor would need.
 */
export class Worker implements RunningWorker {
  readonly failed: Promise<never>;
  readonly #parts: WorkerParts;
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
    this.#watch = new RunWatch(parts.coordination, this.#onFailed);
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
    try {
      await Promise.all([...this.#lanes.values()].map((lane) => lane.stop(graceMs)));
    } finally {
      this.#watch.close();
    }
  }

  lanes(): readonly LaneActivity[] {
    return [...this.#lanes.values()].map((lane) => lane.activity());
  }

  async #takeLanes(): Promise<void> {
    const { broker, coordination, name } = this.#parts;
    const claimed = await coordination.lanes();
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
            watch: this.#watch,
            worker: name,
            limit,
            onFailed: this.#onFailed,
          }),
        );
      }
    }
  }
}
