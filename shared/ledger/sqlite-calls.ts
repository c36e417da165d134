import type { SqliteFile } from "../sqlite-file.ts";
import { RANK } from "../model/outcome.ts";
import { toCallRow } from "./call-row.ts";
import type { StoredCall } from "./call-row.ts";
import type { CallFilter, CallRow, KnownIds } from "./ledger.ts";
import { POSITIONS_PER_RUN } from "./sqlite-schema.ts";
import { findRun, requireRun } from "./sqlite-runs.ts";
import { noCall } from "./stored-run.ts";

/** Rows read at once: enough to be fast, few enough that a reader who stops early, or pauses, holds nothing up. */
const PAGE_ROWS = 1_000;

/** The SQL function that a ledger's file must define: `hostOf`. */
export const HOST_FUNCTION = "senpu_host";

/** A call's own, without a join that would make every column's name double. */
const ANSWER = ", (SELECT answer FROM answers WHERE answers.position = calls.position) AS answer";

/** Page by page, each a read of its own: what is recorded meanwhile may show, and no transaction stays open. */
export async function* readCalls(
  file: SqliteFile,
  run: string,
  filter: CallFilter,
): AsyncGenerator<CallRow> {
  const { key } = file.read(() => requireRun(file, run));
  const where = conditions(filter);
  let left = filter.limit ?? Number.MAX_SAFE_INTEGER;
  let after =
    filter.after === undefined
      ? key * POSITIONS_PER_RUN - 1
      : file.read(() => positionOf(file, key, run, filter.after));
  while (left > 0) {
    const rows = file.read(
      () =>
        file
          .prepare(
            `SELECT position, id, lane, method, url, state, reason, status, attempts, started_at AS startedAt,
               settled_at AS settledAt, latency_ms AS latencyMs, error, worker${filter.withAnswers === true ? ANSWER : ""}
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

function positionOf(file: SqliteFile, key: number, run: string, id = ""): number {
  const found = file.prepare("SELECT position FROM calls WHERE run = ? AND id = ?").get(key, id);
  if (found === undefined) throw noCall(run, id);
  return Number(found["position"]);
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
