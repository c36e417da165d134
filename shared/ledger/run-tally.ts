import type { SettledState, Reason } from "../model/outcome.ts";

/** Of an outcome, what a run's figures are made of. */
export interface Countable {
  readonly state: SettledState;
  readonly reason: Reason | null;
  readonly status: number | null;
  readonly attempts: number;
  readonly latencyMs: number | null;
}

export interface FailureChange {
  readonly reason: Reason;
  readonly status: number | null;
  change: number;
}

/**
 * What one batch changes in a run's figures, summed up in memory so that the store is told once.
 * An outcome that a better one replaces is taken out again, with its attempts and its latency.
 */
export class RunTally {
  planned = 0;
  succeeded = 0;
  failed = 0;
  cancelled = 0;
  attempts = 0;
  duplicates = 0;
  /** The longest latency put in; undefined while there is none. */
  maxLatencyMs: number | undefined;
  /** The longest latency taken out: if it was the run's longest, that has to be found anew. */
  maxLatencyGoneMs: number | undefined;
  /** By latency in microseconds, rounded. */
  readonly latencies = new Map<number, number>();
  readonly failures = new Map<string, FailureChange>();

  add(outcome: Countable): void {
    this.#count(outcome, 1);
    if (outcome.latencyMs !== null) {
      this.maxLatencyMs = Math.max(this.maxLatencyMs ?? 0, outcome.latencyMs);
    }
  }

  takeOut(outcome: Countable): void {
    this.#count(outcome, -1);
    if (outcome.latencyMs !== null) {
      this.maxLatencyGoneMs = Math.max(this.maxLatencyGoneMs ?? 0, outcome.latencyMs);
    }
  }

  #count({ state, reason, status, attempts, latencyMs }: Countable, change: 1 | -1): void {
    this[state] += change;
    this.attempts += change * attempts;
    if (latencyMs !== null) {
      const key = roundedLatencyUs(latencyMs);
      this.latencies.set(key, (this.latencies.get(key) ?? 0) + change);
    }
    if (state === "failed" && reason !== null) {
      const key = `${reason} ${status ?? ""}`;
      const group = this.failures.get(key);
      if (group === undefined) this.failures.set(key, { reason, status, change });
      else group.change += change;
    }
  }
}

/** Microseconds in three significant digits: at most some thousand different ones, however many calls there are. */
export function roundedLatencyUs(latencyMs: number): number {
  const us = Math.round(latencyMs * 1000);
  let unit = 1;
  while (us >= unit * 1000) unit *= 10;
  return Math.round(us / unit) * unit;
}
