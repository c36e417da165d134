import type { FailureGroup, Figures } from "../../shared/model/figures.ts";
import type { Rate } from "../../shared/model/lane.ts";
import type { LogBin } from "./log-bins.ts";

/**
 * What a report shows: a run in some thousand numbers, however many calls it had. `--format json` prints just this.
 * Texts are masked (see `mask.ts`) and free of controls. Times are ISO 8601, UTC; durations in milliseconds.
 */
export interface ReportData {
  /** Of this shape; fields may be added within one. */
  readonly version: 1;
  readonly madeAt: string;
  /** As `senpu status --json` prints them. */
  readonly figures: Figures;
  readonly createdAt: string;
  /** Why the run stands still, as a sentence; null: it does not, or because it is done. */
  readonly why: string | null;
  readonly time: TimeData;
  readonly latency: LatencyData;
  readonly lanes: readonly LaneData[];
  /** Over all lanes together; null where no limit says so. */
  readonly total: LimitData | null;
  readonly attempts: readonly AttemptsData[];
  readonly failures: readonly FailureData[];
  /** The slowest first. */
  readonly slowest: readonly CallData[];
  readonly settings: readonly SettingData[];
  readonly history: readonly EventData[];
  /** How the run's failed calls are made again; null: none has failed. */
  readonly replay: string | null;
}

/** The run over time: bin `n` begins at `startAt` + n × `binMs`; every list here has one value a bin. */
export interface TimeData {
  readonly startAt: string;
  readonly binMs: number;
  /** Calls that ended in the bin. */
  readonly succeeded: readonly number[];
  readonly failed: readonly number[];
  /** Of the last attempts that ended in the bin; null where none did. Percentiles within 3 %. */
  readonly p50: readonly (number | null)[];
  readonly p95: readonly (number | null)[];
  readonly p99: readonly (number | null)[];
  readonly max: readonly (number | null)[];
  /** Calls whose times lie outside of the run, because a clock was wrong; they are in no bin. */
  readonly outside: number;
}

export interface LatencyData {
  readonly bins: readonly LogBin[];
}

export interface LimitData {
  /** Calls in flight at the most; null: no limit. */
  readonly concurrency: number | null;
  /** Where the lane adapts to its API: what it never falls below. */
  readonly minConcurrency: number | null;
  readonly rate: Rate | null;
}

export interface LaneData {
  readonly lane: string;
  /** Of the plan; null for a lane that the run's settings do not name. */
  readonly limit: LimitData | null;
  readonly calls: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Attempts, and how many of them have a known beginning (a call's first and last have). */
  readonly attempts: number;
  readonly attemptsSeen: number;
  /** The most attempts that began within `windowMs`, a second. */
  readonly mostStarted: number;
  /** The window is longer than a second where the run was too long for such. */
  readonly windowMs: number;
  /** The highest mean over a moment of `momentMs`; only last attempts have a known duration. */
  readonly mostInFlight: number;
  readonly momentMs: number;
  /** Attempts that began in the bin. */
  readonly started: readonly number[];
  /** Mean over the bin. */
  readonly inFlight: readonly number[];
}

export interface AttemptsData {
  /** How many a call took; the last entry is of this many and more where `andMore`. */
  readonly attempts: number;
  readonly andMore: boolean;
  readonly succeeded: number;
  readonly failed: number;
}

export interface FailureData extends FailureGroup {
  /** Half a sentence. */
  readonly means: string;
  readonly firstAt: string | null;
  readonly lastAt: string | null;
  readonly lanes: readonly { readonly lane: string; readonly count: number }[];
  /** The most frequent. */
  readonly errors: readonly { readonly error: string; readonly count: number }[];
  readonly examples: readonly CallData[];
  /** Lines to paste: what makes these calls again, and what lists them. */
  readonly replay: string;
  readonly list: string;
  /** The lines also mean calls of the same reason that got an answer: filters cannot say "no answer". */
  readonly isWider: boolean;
}

export interface CallData {
  readonly id: string;
  readonly lane: string;
  readonly method: string;
  readonly url: string;
  readonly state: string;
  readonly reason: string | null;
  readonly status: number | null;
  readonly attempts: number;
  readonly startedAt: string | null;
  readonly settledAt: string | null;
  readonly latencyMs: number | null;
  readonly error: string | null;
}

export interface SettingData {
  readonly name: string;
  readonly value: string;
}

export interface EventData {
  readonly at: string;
  readonly what: string;
  readonly by: string;
  /** Of a pause. */
  readonly lastedMs?: number;
}
