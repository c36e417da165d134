import type { LedgerRecord, NewRun } from "../../shared/ledger/ledger.ts";
import type { Outcome, Reason } from "../../shared/model/outcome.ts";

/** Test data: 2026-08-01T00:00:00Z. */
export const T0 = 1_785_542_400_000;

export function newRun(id: string, more: Partial<NewRun> = {}): NewRun {
  return {
    id,
    name: `name of ${id}`,
    parent: null,
    createdAt: T0,
    source: '{"file":"plan.yaml"}',
    settings: "{}",
    tolerance: null,
    ...more,
  };
}

export function planned(run: string, ids: readonly string[], lane = "default"): LedgerRecord {
  const calls = ids.map((id) => ({
    id,
    lane,
    method: "GET",
    url: `https://api.example.com/${id}`,
  }));
  return { kind: "planned", run, calls };
}

export function outcomes(run: string, ...all: Outcome[]): LedgerRecord {
  return { kind: "outcomes", run, lane: "default", worker: "w1", outcomes: all };
}

export function closed(run: string, count: number, generation = 1): LedgerRecord {
  return { kind: "closed", run, generation, planned: count };
}

export function succeeded(id: string, more: Partial<Outcome> = {}): Outcome {
  return {
    id,
    state: "succeeded",
    status: 200,
    attempts: 1,
    startedAt: T0,
    settledAt: T0 + 100,
    latencyMs: 40,
    ...more,
  };
}

export function failed(
  id: string,
  reason: Reason = "rejected",
  more: Partial<Outcome> = {},
): Outcome {
  return {
    id,
    state: "failed",
    reason,
    status: 404,
    attempts: 1,
    startedAt: T0,
    settledAt: T0 + 100,
    latencyMs: 30,
    error: "404 Not Found",
    ...more,
  };
}

export function dropped(id: string): Outcome {
  return { id, state: "cancelled", attempts: 0, settledAt: T0 + 100 };
}

export function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `c${index}`);
}

export async function collect<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}
