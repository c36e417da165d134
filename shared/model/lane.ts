import type { AuthPolicy } from "./auth.ts";

/** The calls that share limits, a queue and its workers; usually one API. */
export interface Lane {
  /** `[a-z0-9-]`, at most 40 characters: it becomes part of a queue's name. */
  readonly name: string;
  /** Globs over URLs; the first lane with a match takes the call. Empty: only `default`, which takes the rest. */
  readonly match: readonly string[];
  /** Calls in flight, over all workers together, at the most; at least 1. */
  readonly concurrency: number;
  /** Adapts to what the server answers: begins with so many and never falls below. Absent: begins at `concurrency`, falls to 1. */
  readonly minConcurrency?: number;
  /** Calls started, over all workers together; absent: as fast as concurrency allows. */
  readonly rate?: Rate;
  /** Null: its calls have none, whatever the plan has for all. Absent: what the plan has for all. */
  readonly auth?: AuthPolicy | null;
}

export interface Rate {
  readonly count: number;
  readonly perMs: number;
  /** Starts that may come at once after a pause; absent: 1, so that starts are evenly spaced. */
  readonly burst?: number;
}

/** What all lanes together may do. Stands among lanes under the name {@link TOTAL}, which no lane can have. */
export interface Total {
  /** Absent: no limit but the lanes' own. */
  readonly concurrency?: number;
  readonly rate?: Rate;
}
export const TOTAL = "*";

export const DEFAULT_LANE = "default";
/** In flight, for `default` and for lanes that do not say. */
export const DEFAULT_CONCURRENCY = 64;
