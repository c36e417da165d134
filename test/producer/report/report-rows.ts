import { collectReport } from "../../../producer/report/collect.ts";
import type { ReportData } from "../../../producer/report/report-data.ts";
import type { CallRow, RunRow } from "../../../shared/ledger/ledger.ts";
import type { FailureGroup, Figures } from "../../../shared/model/figures.ts";

/** Rows as a ledger gives them, and reports of such: for runs larger than a test can record. */

/** When the runs of these tests began. */
const BEGUN_AT = Date.parse("2026-11-22T09:00:00.000Z");

/** A call that succeeded at once, so many milliseconds after its run began; `more` is laid over it. */
export function endedAt(sinceMs: number, more: Partial<CallRow> = {}): CallRow {
  const latencyMs = more.latencyMs ?? 40;
  return {
    run: "run-1",
    id: `c${sinceMs}`,
    lane: "crm",
    method: "GET",
    url: "https://api.example.com/items/1",
    state: "succeeded",
    reason: null,
    status: 200,
    attempts: 1,
    startedAt: new Date(BEGUN_AT + sinceMs - latencyMs).toISOString(),
    settledAt: new Date(BEGUN_AT + sinceMs).toISOString(),
    latencyMs,
    error: null,
    worker: "w1",
    ...more,
  };
}

function makeRun(more: Partial<RunRow> = {}): RunRow {
  return {
    id: "run-1",
    name: "crm",
    parent: null,
    createdAt: BEGUN_AT,
    source: "{}",
    settings: "{}",
    tolerance: null,
    state: "settled",
    generation: 1,
    endedAt: null,
    beatAt: BEGUN_AT,
    owner: null,
    closedPlanned: null,
    planned: 0,
    succeeded: 0,
    failed: 0,
    forgiven: 0,
    cancelled: 0,
    ...more,
  };
}

/** The report of these rows, which are read once, in their order. */
export async function reportOf(
  rows: Iterable<CallRow>,
  run: Partial<RunRow> = {},
  figures: Partial<Figures> = {},
): Promise<ReportData> {
  const counts = { planned: 0, succeeded: 0, failed: 0, cancelled: 0, pending: 0, attempts: 0 };
  const failures = new Map<string, { -readonly [Key in keyof FailureGroup]: FailureGroup[Key] }>();
  const all = [...rows];
  for (const row of all) {
    counts.planned++;
    counts[row.state]++;
    counts.attempts += row.attempts;
    if (row.reason === null) continue;
    const key = `${row.reason} ${row.status}`;
    const { reason, status } = row;
    const group = failures.get(key) ?? { reason, status, count: 0 };
    group.count++;
    failures.set(key, group);
  }
  const ledger = {
    figures: async (): Promise<Figures> => ({
      run: "run-1",
      name: "crm",
      state: "settled",
      parent: null,
      ...counts,
      duplicates: 0,
      elapsedMs: 20_000,
      latencyMs: { p50: 40, p95: 80, p99: 90, max: 100 },
      failures: [...failures.values()],
      ...figures,
    }),
    async *calls() {
      yield* all;
    },
  };
  return collectReport(ledger, makeRun(run), {
    now: BEGUN_AT + 3_600_000,
    where: { state: "/tmp/elsewhere", env: undefined, endpointUrl: undefined },
    why: undefined,
    history: [],
    onRead: () => {},
    signal: new AbortController().signal,
  });
}
