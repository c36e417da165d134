import type { Reason } from "./outcome.ts";

export const RUN_STATES = [
  "running",
  "paused",
  "settled",
  "stopped",
  "cancelled",
  "interrupted",
] as const;
/** `stopped`: the plan's tolerance was passed. `interrupted` is also what a dead heartbeat means. */
export type RunState = (typeof RUN_STATES)[number];

/**
 * A run in numbers. Always `planned = succeeded + failed + cancelled + pending`.
 * The shape is public: `senpu run --json`, `senpu status --json` and the embedding API print just this.
 */
export interface Figures {
  readonly run: string;
  readonly name: string;
  readonly state: RunState;
  readonly parent: string | null;
  readonly planned: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly pending: number;
  readonly attempts: number;
  /** Outcomes that arrived for a call already settled. */
  readonly duplicates: number;
  readonly elapsedMs: number;
  /** Of each call's last attempt; null while there is none. */
  readonly latencyMs: {
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
    readonly max: number;
  } | null;
  readonly failures: readonly FailureGroup[];
}

export interface FailureGroup {
  readonly reason: Reason;
  /** Null where there was no answer. */
  readonly status: number | null;
  readonly count: number;
}
