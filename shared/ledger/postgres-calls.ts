import { RANK } from "../model/outcome.ts";
import { toCallRow } from "./call-row.ts";
import type { StoredCall } from "./call-row.ts";
import type { CallFilter, CallRow, KnownIds } from "./ledger.ts";
import type { Query } from "./postgres-database.ts";
import { findRun } from "./postgres-runs.ts";
import { storable } from "./postgres-text.ts";
import { noCall, noRun } from "./stored-run.ts";

/** Rows read at once: enough to be fast, few enough that a reader who stops early, or pauses, holds nothing up. */
const PAGE_ROWS = 1_000;
/** Calls that one statement looks at: a filter that few pass must not make it long. */
const MAX_SPAN = 50_000;

const ANSWER =
  ", (SELECT answer FROM senpu.answers a WHERE a.run = c.run AND a.position = c.position) AS answer";

/** As `hostOf` has it: between the scheme and the path, without a user, in lower case. */
const HOST = String.raw`lower(regexp_replace(substring(c.url from '^[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)'), '^.*@', ''))`;

/** Page by page, each a read of its own: what is recorded meanwhile may show, and no transaction stays open. */
export async function* readCalls(
  query: Query,
  run: string,
  filter: CallFilter,
): AsyncGenerator<CallRow> {
  const found = await findRun(query, run);
  if (found === undefined) throw noRun(run);
  const { join, where, values } = conditions(filter);
  const sql = `
    SELECT c.position, c.id, c.lane, c.method, c.url, coalesce(o.state, ${RANK.pending}) AS state, o.reason, o.status,
      coalesce(o.attempts, 0) AS attempts, o.started_at AS "startedAt", o.settled_at AS "settledAt",
      o.latency_ms AS "latencyMs", o.error, o.worker${filter.withAnswers === true ? ANSWER : ""}
    FROM senpu.calls c
    ${join} senpu.outcomes o ON o.run = c.run AND o.position = c.position AND o.position >= $2 AND o.position < $3
    WHERE c.run = $1 AND c.position >= $2 AND c.position < $3 AND c.planned ${where}
    ORDER BY c.position LIMIT $4`;
  let left = filter.limit ?? Number.MAX_SAFE_INTEGER;
  // The one call of an id is found wherever it is; of any other, the span grows until it gives a page.
  let span = filter.id === undefined ? PAGE_ROWS : found.recorded;
  const begin =
    filter.after === undefined ? 0 : 1 + (await positionOf(query, found.key, run, filter.after));
  for (let from = begin; left > 0 && from < found.recorded;) {
    const limit = Math.min(left, PAGE_ROWS);
    const rows = await query<StoredCall>(sql, [found.key, from, from + span, limit, ...values]);
    for (const row of rows) yield toCallRow(run, row);
    left -= rows.length;
    const last = rows.at(-1);
    from = last !== undefined && rows.length === limit ? last.position + 1 : from + span;
    if (rows.length < PAGE_ROWS / 2) span = Math.min(MAX_SPAN, span * 2);
  }
}

async function positionOf(query: Query, key: number, run: string, id: string): Promise<number> {
  const [found] = await query<{ position: number }>(
    "SELECT position FROM senpu.calls WHERE run = $1 AND id = $2",
    [key, storable(id)],
  );
  if (found === undefined) throw noCall(run, id);
  return found.position;
}

function conditions(filter: CallFilter): { join: string; where: string; values: unknown[] } {
  const parts: string[] = [];
  const values: unknown[] = [];
  const add = (sql: string, value: unknown): void => {
    values.push(value);
    // Behind run, positions and limit.
    parts.push(`${sql} $${values.length + 4}`);
  };
  const { state, reason, status } = filter;
  if (filter.id !== undefined) add("c.id =", storable(filter.id));
  if (filter.lane !== undefined) add("c.lane =", storable(filter.lane));
  if (filter.host !== undefined) add(`${HOST} =`, storable(filter.host.toLowerCase()));
  // In the text, not as a value, so that the index of failed calls is known to hold them; only those have a reason.
  if (state === "pending") parts.push("o.state IS NULL");
  else if (state !== undefined) parts.push(`o.state = ${RANK[state]}`);
  if (reason !== undefined) {
    parts.push(`o.state = ${RANK.failed}`);
    add("o.reason =", reason);
  }
  if (status !== undefined) {
    add("o.status >=", status.from);
    add("o.status <=", status.to);
  }
  const isOfOutcome = (state ?? "pending") !== "pending" || reason !== undefined;
  return {
    join: isOfOutcome ? "JOIN" : "LEFT JOIN",
    where: parts.map((part) => `AND ${part}`).join(" "),
    values,
  };
}

export async function readKnown(
  query: Query,
  run: string,
  ids: readonly string[],
): Promise<KnownIds> {
  const rows = await query<{ id: string; planned: boolean; state: number | null }>(
    `SELECT c.id, c.planned, o.state
     FROM senpu.runs r
     CROSS JOIN unnest($2::text[]) AS asked (id)
     JOIN senpu.calls c ON c.run = r.key AND c.id = asked.id
     LEFT JOIN senpu.outcomes o ON o.run = c.run AND o.position = c.position
     WHERE r.id = $1`,
    [storable(run), ids.map(storable)],
  );
  const found = new Map(rows.map((row) => [row.id, row]));
  const those = (is: (row: (typeof rows)[number]) => boolean): Set<string> =>
    new Set(
      ids.filter((id) => {
        const row = found.get(storable(id));
        return row !== undefined && is(row);
      }),
    );
  return {
    settled: those(({ state }) => state !== null),
    planned: those(({ planned }) => planned),
    succeeded: those(({ state }) => state === RANK.succeeded),
  };
}
