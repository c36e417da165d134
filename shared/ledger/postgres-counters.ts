import type { FailureGroup, Figures } from "../model/figures.ts";
import type { Query } from "./postgres-database.ts";
import { RUN_COLUMNS } from "./postgres-runs.ts";
import { storable } from "./postgres-text.ts";
import type { RunBatch } from "./run-batch.ts";
import { elapsedMs, stateAt } from "./run-rules.ts";
import { noRun } from "./stored-run.ts";
import type { StoredRun } from "./stored-run.ts";

/** The counters behind a run's figures: changed by what a batch adds up to, read without looking at a single call. */

/**
 * Adds each batch's tally; returns the runs' rows as they are then, in the order of the batches. Must run in the
 * transaction that inserts the calls, and after it has.
 */
export async function countBatches(
  query: Query,
  batches: readonly RunBatch[],
): Promise<StoredRun[]> {
  await addLatencies(query, batches);
  await addFailures(query, batches);
  const rows: StoredRun[] = [];
  for (const batch of batches) {
    const { stored, tally } = batch;
    const counted = await query<StoredRun>(
      `UPDATE senpu.runs SET recorded = $1, closed_planned = $2, max_latency_ms = $3,
         planned = planned + $4, succeeded = succeeded + $5, failed = failed + $6, cancelled = cancelled + $7,
         attempts = attempts + $8, duplicates = duplicates + $9
       WHERE key = $10 RETURNING ${RUN_COLUMNS}`,
      [
        batch.recorded,
        batch.closedPlanned,
        await longest(query, batch),
        tally.planned,
        tally.succeeded,
        tally.failed,
        tally.cancelled,
        tally.attempts,
        tally.duplicates,
        stored.key,
      ],
    );
    rows.push(...counted);
  }
  return rows;
}

async function longest(query: Query, { stored, tally }: RunBatch): Promise<number | null> {
  const { maxLatencyMs: beforeMs } = stored;
  const { maxLatencyMs, maxLatencyGoneMs } = tally;
  if (maxLatencyGoneMs !== undefined && maxLatencyGoneMs >= (beforeMs ?? 0)) {
    // Only a look at all calls tells what the next longest is; rare, since it takes a replaced outcome that was it.
    const [found] = await query<{ max: number | null }>(
      `SELECT max(o.latency_ms) FROM senpu.outcomes o JOIN senpu.calls c USING (run, position)
       WHERE run = $1 AND c.planned`,
      [stored.key],
    );
    return found?.max ?? null;
  }
  if (maxLatencyMs === undefined) return beforeMs;
  return Math.max(beforeMs ?? 0, maxLatencyMs);
}

async function addLatencies(query: Query, batches: readonly RunBatch[]): Promise<void> {
  const changes = batches.flatMap(({ stored: { key }, tally }) =>
    [...tally.latencies].map(([latencyUs, change]) => ({ key, latencyUs, change })),
  );
  const counted = changes.filter(({ change }) => change !== 0);
  if (counted.length === 0) return;
  await query(
    `INSERT INTO senpu.latencies AS l (run, latency_us, count)
     SELECT * FROM unnest($1::integer[], $2::bigint[], $3::integer[])
     ON CONFLICT (run, latency_us) DO UPDATE SET count = l.count + excluded.count`,
    [
      counted.map(({ key }) => key),
      counted.map(({ latencyUs }) => latencyUs),
      counted.map(({ change }) => change),
    ],
  );
}

async function addFailures(query: Query, batches: readonly RunBatch[]): Promise<void> {
  const changes = batches.flatMap(({ stored: { key }, tally }) =>
    [...tally.failures.values()].map((group) => ({ key, ...group })),
  );
  const counted = changes.filter(({ change }) => change !== 0);
  if (counted.length === 0) return;
  await query(
    `INSERT INTO senpu.failures AS f (run, reason, status, count)
     SELECT * FROM unnest($1::integer[], $2::text[], $3::integer[], $4::integer[])
     ON CONFLICT (run, reason, status) DO UPDATE SET count = f.count + excluded.count`,
    [
      counted.map(({ key }) => key),
      counted.map(({ reason }) => reason),
      counted.map(({ status }) => status ?? 0),
      counted.map(({ change }) => change),
    ],
  );
}

interface Counted extends StoredRun {
  readonly latency: { readonly p50: number; readonly p95: number; readonly p99: number };
  readonly failures: FailureGroup[] | null;
}

/** One statement, and so of one moment. Latency is by nearest rank, within half a percent; the maximum is exact. */
const FIGURES = `
  SELECT ${RUN_COLUMNS},
    (
      SELECT json_build_object(
        'p50', min(latency_us) FILTER (WHERE up_to >= 0.50 * total),
        'p95', min(latency_us) FILTER (WHERE up_to >= 0.95 * total),
        'p99', min(latency_us) FILTER (WHERE up_to >= 0.99 * total))
      FROM (
        SELECT latency_us, sum(count) OVER (ORDER BY latency_us) AS up_to, sum(count) OVER () AS total
        FROM senpu.latencies WHERE run = runs.key AND count > 0
      ) AS ranked
    ) AS latency,
    (
      SELECT json_agg(json_build_object('reason', reason, 'status', nullif(status, 0), 'count', count)
        ORDER BY count DESC, reason, status)
      FROM senpu.failures WHERE run = runs.key AND count > 0
    ) AS failures
  FROM senpu.runs WHERE id = $1`;

/** Throws SenpuError `run` for an unknown id. */
export async function readFigures(query: Query, id: string, at: number): Promise<Figures> {
  const [run] = await query<Counted>(FIGURES, [storable(id)]);
  if (run === undefined) throw noRun(id);
  const { name, parent, planned, succeeded, failed, cancelled, attempts, duplicates } = run;
  return {
    run: id,
    name,
    state: stateAt(run, at),
    parent,
    planned,
    succeeded,
    failed,
    cancelled,
    pending: planned - succeeded - failed - cancelled,
    attempts,
    duplicates,
    elapsedMs: elapsedMs(run, at),
    latencyMs: latencyOf(run),
    failures: run.failures ?? [],
  };
}

/** Null while no call has a latency. */
function latencyOf({ latency, maxLatencyMs: maxMs }: Counted): Figures["latencyMs"] {
  if (maxMs === null) return null;
  // Rounding may lift a percentile over the exact maximum.
  const toMs = (us: number): number => Math.min(us / 1000, maxMs);
  return { p50: toMs(latency.p50), p95: toMs(latency.p95), p99: toMs(latency.p99), max: maxMs };
}
