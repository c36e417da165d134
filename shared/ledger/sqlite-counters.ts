import type { SqliteFile } from "../sqlite-file.ts";
import type { FailureGroup, Figures } from "../model/figures.ts";
import type { RunTally } from "./run-tally.ts";
import { POSITIONS_PER_RUN } from "./sqlite-schema.ts";
import { RUN_COLUMNS } from "./sqlite-runs.ts";
import type { StoredRun } from "./stored-run.ts";

/** The counters behind a run's figures: changed by what a batch adds up to, read without looking at a single call. */

/** Adds a batch's tally; returns the run's row as it is then. Must run in the transaction that inserts the calls. */
export function countTally(
  file: SqliteFile,
  key: number,
  tally: RunTally,
  row: { readonly recorded: number; readonly closedPlanned: number | null },
): StoredRun {
  const before = file.prepare("SELECT max_latency_ms AS max FROM runs WHERE key = ?").get(key);
  const longestMs = longest(file, key, before?.["max"] as number | null, tally);
  countLatencies(file, key, tally);
  countFailures(file, key, tally);
  return file
    .prepare(
      `UPDATE runs SET recorded = ?, closed_planned = ?, max_latency_ms = ?,
         planned = planned + ?, succeeded = succeeded + ?, failed = failed + ?, cancelled = cancelled + ?,
         attempts = attempts + ?, duplicates = duplicates + ?
       WHERE key = ? RETURNING ${RUN_COLUMNS}`,
    )
    .get(
      row.recorded,
      row.closedPlanned,
      longestMs,
      tally.planned,
      tally.succeeded,
      tally.failed,
      tally.cancelled,
      tally.attempts,
      tally.duplicates,
      key,
    ) as unknown as StoredRun;
}

function longest(
  file: SqliteFile,
  key: number,
  beforeMs: number | null,
  { maxLatencyMs, maxLatencyGoneMs }: RunTally,
): number | null {
  if (maxLatencyGoneMs !== undefined && maxLatencyGoneMs >= (beforeMs ?? 0)) {
    // Only a look at all calls tells what the next longest is; rare, since it takes a replaced outcome that was it.
    const found = file
      .prepare(
        "SELECT MAX(latency_ms) AS max FROM calls WHERE position >= ? AND position < ? AND planned = 1",
      )
      .get(key * POSITIONS_PER_RUN, (key + 1) * POSITIONS_PER_RUN);
    return found?.["max"] as number | null;
  }
  if (maxLatencyMs === undefined) return beforeMs;
  return Math.max(beforeMs ?? 0, maxLatencyMs);
}

function countLatencies(file: SqliteFile, key: number, tally: RunTally): void {
  const upsert = file.prepare(
    `INSERT INTO latencies (run, latency_us, count) VALUES (?, ?, ?)
     ON CONFLICT (run, latency_us) DO UPDATE SET count = count + excluded.count`,
  );
  for (const [latencyUs, change] of tally.latencies) {
    if (change !== 0) upsert.run(key, latencyUs, change);
  }
}

function countFailures(file: SqliteFile, key: number, tally: RunTally): void {
  const upsert = file.prepare(
    `INSERT INTO failures (run, reason, status, count) VALUES (?, ?, ?, ?)
     ON CONFLICT (run, reason, status) DO UPDATE SET count = count + excluded.count`,
  );
  for (const { reason, status, change } of tally.failures.values()) {
    if (change !== 0) upsert.run(key, reason, status ?? 0, change);
  }
}

/** By nearest rank, within half a percent; the maximum is exact. Null while no call has a latency. */
export function readLatency(
  file: SqliteFile,
  key: number,
  maxMs: number | null,
): Figures["latencyMs"] {
  if (maxMs === null) return null;
  const row = file
    .prepare(
      `WITH ranked AS (
         SELECT latency_us, SUM(count) OVER (ORDER BY latency_us) AS up_to, SUM(count) OVER () AS total
         FROM latencies WHERE run = ? AND count > 0
       )
       SELECT
         MIN(latency_us) FILTER (WHERE up_to >= 0.50 * total) AS p50,
         MIN(latency_us) FILTER (WHERE up_to >= 0.95 * total) AS p95,
         MIN(latency_us) FILTER (WHERE up_to >= 0.99 * total) AS p99
       FROM ranked`,
    )
    .get(key) as { p50: number; p95: number; p99: number };
  // Rounding may lift a percentile over the exact maximum.
  const toMs = (us: number): number => Math.min(us / 1000, maxMs);
  return { p50: toMs(row.p50), p95: toMs(row.p95), p99: toMs(row.p99), max: maxMs };
}

/** Most first. */
export function readFailures(file: SqliteFile, key: number): FailureGroup[] {
  const groups = file
    .prepare(
      `SELECT reason, NULLIF(status, 0) AS status, count FROM failures
       WHERE run = ? AND count > 0 ORDER BY count DESC, reason, status`,
    )
    .all(key) as unknown as FailureGroup[];
  return groups.map((group) => ({ ...group }));
}
