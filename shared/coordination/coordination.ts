import type { Rate } from "../model/lane.ts";
import type { UnusedStarts } from "./gcra.ts";

/**
 * The coordination port: what all workers of a deployment must agree on at this moment.
 *
 * In: who controls a run, limits of lanes, slots and start times asked for, checkpoints of chunks.
 * Out: grants that together never pass a limit. Nothing here is the truth about a call; losing all of it loses no call.
 * Times are epoch milliseconds by the caller's clock, and come in as parameters; an adapter whose store is on another
 * machine translates them, so that workers with clocks that differ agree. Every method throws SenpuError `coordination` when the store fails.
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
  /** Every lane that some run claims, with the limits that hold; the cap over all of them as the lane {@link TOTAL}. */
  lanes(): Promise<LaneLimit[]>;

  /**
   * Slots of a lane for one worker, until `ttlMs` from `now` or the next call, which replaces the lease.
   * `held`: slots in use this moment, which are never taken away; `wanted`: how many it could use (0 gives all back).
   * Grants less than `held` where that is more than the worker's share, because others came or `limit` shrank: then
   * nothing starts until it uses fewer, and nobody else has them until it renews. All live leases together never
   * pass `limit` (with a fraction: the whole below, at least 1), unless held slots already do.
   * Workers that want more than there is converge on equal shares.
   */
  lease(request: LeaseRequest): Promise<number>;

  /**
   * `count` consecutive start times of a lane, spaced evenly at its rate. Times once given are never given again.
   * Returns the first; the others follow at `perMs / rate.count`. None is in the past, but for a rate with a burst:
   * after a pause, as many as the burst less one are, and may start at once.
   */
  reserve(lane: string, rate: Rate, count: number, now: number): Promise<number>;
  /**
   * Start times that their worker will not use any more may be given again, if nobody has reserved any since; else they
   * are gone. At a call an hour that is an hour.
   */
  giveBackStarts(lane: string, rate: Rate, unused: UnusedStarts): Promise<void>;
  /** Workers with a live lease on the lane. */
  workers(lane: string, now: number): Promise<number>;
  /** Slots of the lane in live leases, for whoever looks on. */
  leased(lane: string, now: number): Promise<number>;

  /** Destinations of a lane that are closed, or have a window of their own: few or none. */
  destinations(lane: string): Promise<Destination[]>;
  /**
   * A destination refused a call, or keeps failing. What attempts say that started before its last change, or while it
   * was closed, is old news and changes nothing, but that a later `until` prolongs a closing: so a burst of refusals
   * counts once. Any news of a closed destination is that its probe has failed. Returns what holds now.
   */
  refuse(refusal: Refusal): Promise<Destination>;
  /**
   * May this worker make the one call that tries a closed destination, once its time is over? No other may for `ttlMs`;
   * itself may ask again. False of a destination that is open: there is nothing to try.
   */
  probe(request: ProbeRequest): Promise<boolean>;
  /** It has answered well: open for all, with the window that it has. */
  reopen(lane: string, origin: string, now: number): Promise<void>;
  /**
   * Calls succeeded while the window was what kept more from starting: it grows by one a window of successes, or, before
   * the first refusal, by one a success. At `ceiling` it is gone, where the lane does not adapt. Returns what holds now.
   */
  grow(growth: Growth): Promise<Destination>;

  /** What a dead worker's successor must know of a chunk, `<run>/…`; undefined when nothing was left. */
  readCheckpoint(chunk: string): Promise<Checkpoint | undefined>;
  /**
   * Replaces the chunk's checkpoint. Durable when it resolves: a worker relies on it before an unsafe call.
   * False: it names a holder, and another has taken hold of the chunk since, or a later revision of its own is there;
   * nothing was written.
   */
  writeCheckpoint(chunk: string, checkpoint: Checkpoint, now: number): Promise<boolean>;
  /**
   * Takes hold of a chunk with unsafe calls, so that of the deliveries of its message, and of its copies (a message that
   * was sent twice, or is visible again while it is worked on), one at a time is worked on.
   */
  holdChunk(request: HoldRequest): Promise<Held>;
  /** The chunks are over: whatever copy of them comes is not worked on any more. Forgotten by `prune`. */
  endChunks(chunks: readonly string[], now: number): Promise<void>;
  /** Ids of a run's unsafe calls that some checkpoint says may have been started: `unsafe` of all of them. */
  startedUnsafe(run: string): Promise<Set<string>>;
  removeCheckpoints(chunks: readonly string[]): Promise<void>;
  /** Forgets checkpoints, controls and destinations older than `before` (not those closed for longer), and expired leases. */
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
  /** Infinity only for {@link TOTAL}, where it is not capped. */
  readonly concurrency: number;
  /** As in {@link Lane}. */
  readonly minConcurrency?: number;
  readonly rate?: Rate;
}

/** An origin within a lane, as its answers and the workers have left it. */
export interface Destination {
  readonly origin: string;
  readonly state: "open" | "closed";
  /** Closed: no call starts before this; after it one worker probes, until it is open again or closed anew. */
  readonly until: number;
  /** Closed: why, for a person: `429`, `503`, `20 of 20 attempts failed`. */
  readonly cause: string;
  /** Times it was closed in a row, since it last answered well. */
  readonly closings: number;
  /** When the first of those was. */
  readonly closedSince: number;
  /** Calls in flight that it may have, over all workers together, with a fraction; absent: as many as its lane. */
  readonly window?: number;
}

/** The window's bounds: from the lane's limits at this moment. */
export interface WindowBounds {
  readonly floor: number;
  readonly ceiling: number;
  /** The window of a destination not known yet: the lane adapts from `floor` up, or begins at `ceiling`. */
  readonly adapts: boolean;
}

export interface Refusal extends WindowBounds {
  readonly lane: string;
  readonly origin: string;
  /** When the attempt started that was refused. */
  readonly startedAt: number;
  /** `narrows`: halves the window only; `closes`: closes and halves; `breaks`: closes, and leaves the window as it is. */
  readonly effect: "narrows" | "closes" | "breaks";
  readonly cause: string;
  /** When to try again, if the server said; else after `pauseMs`, doubled for each closing in a row, up to `maxPauseMs`. */
  readonly until?: number;
  readonly pauseMs: number;
  readonly maxPauseMs: number;
  readonly now: number;
}

export interface ProbeRequest {
  readonly lane: string;
  readonly origin: string;
  readonly worker: string;
  readonly ttlMs: number;
  readonly now: number;
}

export interface Growth extends WindowBounds {
  readonly lane: string;
  readonly origin: string;
  /** Not told before. Those of before the window was last narrowed are left out: they say nothing of the narrower one. */
  readonly successes: number;
  readonly now: number;
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

export interface HoldRequest {
  readonly chunk: string;
  /** Names one delivery. */
  readonly holder: string;
  /** It is held so long, unless a checkpoint that names the holder renews it. */
  readonly ttlMs: number;
  readonly now: number;
}

/** `ours`: with what an earlier holder left; `others`: until then, if it is not renewed. */
export type Held =
  | { readonly state: "ours"; readonly checkpoint: Checkpoint | undefined }
  | { readonly state: "others"; readonly until: number }
  | { readonly state: "over" };

/** A chunk's calls by their index in the message. */
export interface Checkpoint {
  /** Of a chunk with unsafe calls: the delivery that is worked on, and until when. */
  readonly holder?: string;
  readonly heldUntil?: number;
  /** Grows with each that its holder writes; absent: 0. An older one that arrives late is refused. */
  readonly revision?: number;
  /** Nothing of it is left to do. */
  readonly over?: true;
  /** Calls at this index and after were surely never started; absent: any may have been. */
  readonly startedBelow?: number;
  /** Ids of the unsafe calls among those that may have been started and are not done. */
  readonly unsafe?: readonly string[];
  /** Calls whose outcome has been accepted by the outcomes topic. */
  readonly done: readonly number[];
  /** Attempts made, of calls not done that have made any: index to count. */
  readonly attempts: Readonly<Record<number, number>>;
  /** `failures` of those that have any: as in `Call`. */
  readonly failures?: Readonly<Record<number, readonly number[]>>;
}
