import type { SqliteFile } from "../sqlite-file.ts";
import { RANK } from "../model/outcome.ts";
import type { CallState, Reason } from "../model/outcome.ts";
import type { CallFilter, CallRow, KnownIds } from "./ledger.ts";
import { POSITIONS_PER_RUN } from "./sqlite-schema.ts";
import { findRun, requireRun } from "./sqlite-runs.ts";

/** Rows read at once: enough to be fast, few enough that a reader who stops early, or pauses, holds nothing up. */
const PAGE_ROWS = 1_000;

/** The SQL function that a ledger's file must define: `hostOf`. */
export const HOST_FUNCTION = "senpu_host";

interface StoredCall {
  readonly position: number;
  readonly id: string;
  readonly lane: string;
  readonly method: string;
  readonly url: string;
  readonly state: number;
  readonly reason: Reason | null;
  readonly status: number | null;
  readonly attempts: number;
  readonly startedAt: number | null;
  readonly settledAt: number | null;
  readonly latencyMs: number | null;
  readonly error: string | null;
  readonly worker: string | null;
}

/** Page by page, each a read of its own: what is recorded meanwhile may show, and no transaction stays open. */
export async function* readCalls(
  file: SqliteFile,
  run: string,
  filter: CallFilter,
): AsyncGenerator<CallRow> {
  const { key } = file.read(() => requireRun(file, run));
  const where = conditions(filter);
  let left = filter.limit ?? Number.MAX_SAFE_INTEGER;
  let after = key * POSITIONS_PER_RUN - 1;
  while (left > 0) {
    const rows = file.read(
      () =>
        file
          .prepare(
            `SELECT position, id, lane, method, url, state, reason, status, attempts, started_at AS startedAt,
               settled_at AS settledAt, latency_ms AS latencyMs, error, worker
             FROM calls WHERE ${where.sql} ORDER BY position LIMIT ?`,
          )
          .all(
            ...(filter.id === undefined ? [] : [key, filter.id]),
            after,
            (key + 1) * POSITIONS_PER_RUN,
            ...where.values,
            Math.min(left, PAGE_ROWS),
          ) as unknown as StoredCall[],
    );
    for (const row of rows) yield toCallRow(run, row);
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE_ROWS) return;
    after = last.position;
    left -= rows.length;
  }
}

function conditions(filter: CallFilter): { sql: string; values: (string | number)[] } {
  const parts: string[] = [];
  const values: (string | number)[] = [];
  // The unary plus keeps SQLite from searching by position where the index finds the one row.
  if (filter.id !== undefined) parts.push("run = ? AND id = ?", "+position > ? AND +position < ?");
  else parts.push("position > ? AND position < ?");
  parts.push("planned = 1");
  const add = (sql: string, ...given: (string | number)[]): void => {
    parts.push(sql);
    values.push(...given);
  };
  if (filter.state !== undefined) add("state = ?", RANK[filter.state]);
  if (filter.reason !== undefined) add("reason = ?", filter.reason);
  if (filter.status !== undefined) {
    add("status BETWEEN ? AND ?", filter.status.from, filter.status.to);
  }
  if (filter.lane !== undefined) add("lane = ?", filter.lane);
  if (filter.host !== undefined) add(`${HOST_FUNCTION}(url) = ?`, filter.host.toLowerCase());
  return { sql: parts.join(" AND "), values };
}

const STATES: readonly CallState[] = ["pending", "cancelled", "failed", "succeeded"];

function toCallRow(run: string, call: StoredCall): CallRow {
  return {
    run,
    id: call.id,
    lane: call.lane,
    method: call.method,
    url: call.url,
    state: STATES[call.state] ?? "pending",
    reason: call.reason,
    status: call.status,
    attempts: call.attempts,
    startedAt: toIso(call.startedAt),
    settledAt: toIso(call.settledAt),
    latencyMs: call.latencyMs,
    error: call.error,
    worker: call.worker,
  };
}

function toIso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

export function readKnown(file: SqliteFile, run: string, ids: readonly string[]): KnownIds {
  const known = {
    settled: new Set<string>(),
    planned: new Set<string>(),
    succeeded: new Set<string>(),
  };
  const key = findRun(file, run)?.key;
  if (key === undefined) return known;
  const find = file.prepare("SELECT planned, state FROM calls WHERE run = ? AND id = ?");
  for (const id of ids) {
    const row = find.get(key, id);
    if (row === undefined) continue;
    if (row["planned"] === 1) known.planned.add(id);
    if (row["state"] !== RANK.pending) known.settled.add(id);
    if (row["state"] === RANK.succeeded) known.succeeded.add(id);
  }
  return known;
}
