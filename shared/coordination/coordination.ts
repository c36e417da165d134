import type { Rate } from "../model/lane.ts";

/**
 * The coordination port: what all workers of a deployment must agree on at this moment.
 *
 * In: who controls a run, limits of lanes, slots and start times asked for, checkpoints of chunks.
 * Out: grants that together never pass a limit. Nothing here is the truth about a call; losing all of it loses no call.
 * Times are epoch milliseconds and come in as parameters. Every method throws SenpuError `coordination` when the store fails.
 */
export interface Coordination {
  /** Undefined for a run that was never registered, or long forgotten. */
  control(run: string): Promise<RunControl | undefined>;
  /** Several at once, in one read; unknown runs are left out. */
  controls(runs: readonly string[]): Promise<Map<string, RunControl>>;
  setControl(run: string, control: RunControl): Promise<void>;

  /** A run's lanes and limits, until `releaseLanes`. A lane used by two runs has the smaller of their limits. */
  claimLanes(run: string, lanes: readonly LaneLimit[]): Promise<void>;
  releaseLanes(run: string): Promise<void>;
  /** Every lane that some run claims, with the limits that hold. */
  lanes(): Promise<LaneLimit[]>;

  /**
   * Slots of a lane for one worker, until `ttlMs` from `now` or the next call, which replaces the lease.
   * `held`: slots in use this moment, which are never taken away; `wanted`: how many it could use (0 gives all back).
   * Grants at least `held`; all live leases together never pass `limit`, unless held slots already do.
   * Workers that want more than there is converge on equal shares.
   */
  lease(request: LeaseRequest): Promise<number>;

  /**
   * Up to `count` consecutive start times of a lane, spaced evenly at its rate, none in the past.
   * Returns the first; the others follow at `perMs / rate.count`. Times once given are never given again.
   */
  reserve(lane: string, rate: Rate, count: number, now: number): Promise<number>;
  /** Workers with a live lease on the lane. */
  workers(lane: string, now: number): Promise<number>;

  /** What a dead worker's successor must know of a chunk, `<run>/…`; undefined when nothing was left. */
  readCheckpoint(chunk: string): Promise<Checkpoint | undefined>;
  /** Replaces the chunk's checkpoint. Durable when it resolves: a worker relies on it before an unsafe call. */
  writeCheckpoint(chunk: string, checkpoint: Checkpoint, now: number): Promise<void>;
  /** Ids of a run's unsafe calls that some checkpoint says may have been started: `unsafe` of all of them. */
  startedUnsafe(run: string): Promise<Set<string>>;
  removeCheckpoints(chunks: readonly string[]): Promise<void>;
  /** Forgets checkpoints and controls older than `before`, and expired leases. */
  prune(before: number): Promise<void>;
  close(): Promise<void>;
}

export interface RunControl {
  /** Messages of an older generation are dropped. */
  readonly generation: number;
  /** In any other state than `running`, workers drop the run's messages without a call. */
  readonly state: "running" | "paused" | "stopped" | "cancelled" | "interrupted";
}

export interface LaneLimit {
  readonly lane: string;
  readonly concurrency: number;
  readonly rate?: Rate;
}

export interface LeaseRequest {
  readonly lane: string;
  readonly worker: string;
  readonly wanted: number;
  readonly held: number;
  readonly limit: number;
  readonly ttlMs: number;
  readonly now: number;
}

/** A chunk's calls by their index in the message. */
export interface Checkpoint {
  /** Calls at this index and after were surely never started; absent: any may have been. */
  readonly startedBelow?: number;
  /** Ids of the unsafe calls among those that may have been started and are not done. */
  readonly unsafe?: readonly string[];
  /** Calls whose outcome has been accepted by the outcomes topic. */
  readonly done: readonly number[];
  /** Attempts made, of calls not done that have made any: index to count. */
  readonly attempts: Readonly<Record<number, number>>;
}
