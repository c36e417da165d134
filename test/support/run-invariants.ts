import { expect } from "vitest";
import type { CallRow, Ledger } from "../../shared/ledger/ledger.ts";
import type { Figures } from "../../shared/model/figures.ts";
import type { LoggedRequest } from "./misbehaving-server.ts";

export interface RunEvidence {
  readonly figures: Figures;
  readonly rows: readonly CallRow[];
  readonly requests: readonly LoggedRequest[];
  /** Ids of the plan. */
  readonly ids: readonly string[];
}

export async function gatherRows(ledger: Ledger, run: string): Promise<CallRow[]> {
  const rows: CallRow[] = [];
  for await (const row of ledger.calls(run, {})) rows.push(row);
  return rows;
}

/** What holds of every settled run, whatever died on the way. */
export function expectNothingLost({ figures, rows, requests, ids }: RunEvidence): void {
  expect(figures.state).toBe("settled");
  expect(figures.planned).toBe(
    figures.succeeded + figures.failed + figures.cancelled + figures.pending,
  );
  expect(figures.pending).toBe(0);
  expect(rows.map(({ id }) => id).toSorted()).toEqual([...ids].toSorted());
  const count = (state: string): number => rows.filter((row) => row.state === state).length;
  expect([figures.planned, figures.succeeded, figures.failed]).toEqual([
    ids.length,
    count("succeeded"),
    count("failed"),
  ]);
  const reached = new Set(
    requests.filter(({ status }) => status !== null && status < 300).map(({ id }) => id),
  );
  for (const row of rows) {
    if (row.state === "succeeded") {
      expect(reached, `${row.id} succeeded, so the server saw it`).toContain(row.id);
    }
  }
}

/** Calls that the server saw more often than the ledger knows of. */
export function madeAgain({ rows, requests }: RunEvidence): string[] {
  const seen = new Map<string, number>();
  for (const { id } of requests) seen.set(id, (seen.get(id) ?? 0) + 1);
  return rows.filter((row) => (seen.get(row.id) ?? 0) > row.attempts).map(({ id }) => id);
}

/** No unsafe call was processed twice: repeated only where the server had refused it. */
export function expectUnsafeOnce({ requests }: RunEvidence): void {
  const processed = new Map<string, number>();
  for (const { id, method, status } of requests) {
    if (method !== "POST" || status === 503 || status === 429) continue;
    processed.set(id, (processed.get(id) ?? 0) + 1);
  }
  for (const [id, times] of processed) expect(times, `POST ${id} was processed once`).toBe(1);
}
