import { RANK } from "../model/outcome.ts";
import type { Reason, SettledState } from "../model/outcome.ts";
import type { LedgerRecord, RecordResult } from "./ledger.ts";
import { countBatches } from "./postgres-counters.ts";
import type { Query, Transact } from "./postgres-database.ts";
import { RUN_COLUMNS, fillOutbox, logEvent } from "./postgres-runs.ts";
import { storable, storableOrNull } from "./postgres-text.ts";
import { RunBatch } from "./run-batch.ts";
import type { KnownCall } from "./run-batch.ts";
import { isComplete, isFinal, passesTolerance } from "./run-rules.ts";
import { toRunRow } from "./stored-run.ts";
import type { StoredRun } from "./stored-run.ts";

interface FoundCall {
  readonly run: number;
  readonly position: number;
  readonly id: string;
  readonly planned: boolean;
  /** The state's rank; null: pending. */
  readonly state: number | null;
  readonly reason: Reason | null;
  readonly status: number | null;
  readonly attempts: number | null;
  readonly latencyMs: number | null;
}

/**
 * In: one batch. Out: rows, counters, and which runs ended by it, in about ten statements however large it is.
 *
 * The batch's runs are held first, in one order for all recorders, so that none waits for another that waits for it; then
 * nobody else changes their calls, and what is to be written is worked out here.
 */
export function recordBatch(
  transact: Transact,
  given: readonly LedgerRecord[],
  at: number,
): Promise<RecordResult> {
  const records = given.map(storableRecord);
  return transact(async (query) => {
    const stored = await holdRuns(query, records);
    const known = await findCalls(query, idsByRun(records, stored));
    // In the order in which the records name them, in which their ends are told.
    const batches = new Map<string, RunBatch>();
    let orphans = 0;
    for (const record of records) {
      const run = stored.get(record.run);
      if (run === undefined) {
        orphans++;
        continue;
      }
      const batch = batches.get(run.id) ?? new RunBatch(run, known.get(run.key) ?? [], at);
      batches.set(run.id, batch);
      batch.add(record);
    }
    const changed = [...batches.values()];
    await writeCalls(query, changed);
    await writeOutcomes(query, changed);
    await writeAnswers(query, changed);
    return { ...(await closeRuns(query, changed, at)), orphans };
  });
}

function storableRecord(record: LedgerRecord): LedgerRecord {
  const run = storable(record.run);
  if (record.kind === "planned") {
    return { ...record, run, calls: record.calls.map(withStorableId) };
  }
  if (record.kind === "outcomes") {
    return { ...record, run, outcomes: record.outcomes.map(withStorableId) };
  }
  return { ...record, run };
}

function withStorableId<T extends { readonly id: string }>(one: T): T {
  const id = storable(one.id);
  return id === one.id ? one : { ...one, id };
}

async function holdRuns(
  query: Query,
  records: readonly LedgerRecord[],
): Promise<Map<string, StoredRun>> {
  const rows = await query<StoredRun>(
    `SELECT ${RUN_COLUMNS} FROM senpu.runs WHERE id = ANY($1) ORDER BY key FOR UPDATE`,
    [[...new Set(records.map(({ run }) => run))]],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** By the run's key. */
function idsByRun(
  records: readonly LedgerRecord[],
  stored: ReadonlyMap<string, StoredRun>,
): Map<number, Set<string>> {
  const named = new Map<number, Set<string>>();
  for (const record of records) {
    const key = stored.get(record.run)?.key;
    if (key === undefined || record.kind === "closed") continue;
    const ids = named.get(key) ?? new Set();
    named.set(key, ids);
    for (const { id } of record.kind === "planned" ? record.calls : record.outcomes) ids.add(id);
  }
  return named;
}

async function findCalls(
  query: Query,
  named: ReadonlyMap<number, ReadonlySet<string>>,
): Promise<Map<number, KnownCall[]>> {
  const keys: number[] = [];
  const ids: string[] = [];
  for (const [key, set] of named) {
    for (const id of set) {
      keys.push(key);
      ids.push(id);
    }
  }
  const found = new Map<number, KnownCall[]>();
  if (ids.length === 0) return found;
  const rows = await query<FoundCall>(
    `SELECT c.run, c.position, c.id, c.planned, o.state, o.reason, o.status, o.attempts, o.latency_ms AS "latencyMs"
     FROM unnest($1::integer[], $2::text[]) AS named (run, id)
     JOIN senpu.calls c ON c.run = named.run AND c.id = named.id
     LEFT JOIN senpu.outcomes o ON o.run = c.run AND o.position = c.position`,
    [keys, ids],
  );
  for (const row of rows) {
    const calls = found.get(row.run) ?? [];
    found.set(row.run, calls);
    calls.push(toKnownCall(row));
  }
  return found;
}

const SETTLED_STATES: readonly SettledState[] = ["cancelled", "failed", "succeeded"];

function toKnownCall({ state, attempts, ...row }: FoundCall): KnownCall {
  const { id, position, planned, reason, status, latencyMs } = row;
  const settled = state === null ? undefined : SETTLED_STATES[state - RANK.cancelled];
  return {
    id,
    position,
    planned,
    outcome:
      settled === undefined
        ? null
        : { state: settled, reason, status, attempts: attempts ?? 0, latencyMs },
  };
}

async function writeCalls(query: Query, batches: readonly RunBatch[]): Promise<void> {
  const all = batches.flatMap(({ calls }) => [...calls]);
  const added = all.filter(({ isNew }) => isNew);
  if (added.length > 0) {
    await query(
      `INSERT INTO senpu.calls (run, position, planned, id, lane, method, url)
       SELECT * FROM unnest($1::integer[], $2::integer[], $3::boolean[], $4::text[], $5::text[], $6::text[], $7::text[])`,
      [
        added.map(({ run }) => run),
        added.map(({ position }) => position),
        added.map(({ planned }) => planned),
        added.map(({ id }) => id),
        added.map(({ lane }) => storable(lane)),
        added.map(({ method }) => storable(method)),
        added.map(({ url }) => storable(url)),
      ],
    );
  }
  const filled = all.filter(({ isNew }) => !isNew);
  if (filled.length > 0) {
    await query(
      `UPDATE senpu.calls c SET planned = true, lane = f.lane, method = f.method, url = f.url
       FROM unnest($1::integer[], $2::integer[], $3::text[], $4::text[], $5::text[]) AS f (run, position, lane, method, url)
       WHERE c.run = f.run AND c.position = f.position`,
      [
        filled.map(({ run }) => run),
        filled.map(({ position }) => position),
        filled.map(({ lane }) => storable(lane)),
        filled.map(({ method }) => storable(method)),
        filled.map(({ url }) => storable(url)),
      ],
    );
  }
}

/** Nearly all are their call's first; one that replaces another has been found to outrank it. */
async function writeOutcomes(query: Query, batches: readonly RunBatch[]): Promise<void> {
  const all = batches.flatMap(({ outcomes }) => [...outcomes]);
  if (all.length === 0) return;
  await query(
    `INSERT INTO senpu.outcomes
       (run, position, state, reason, status, attempts, started_at, settled_at, latency_ms, error, worker)
     SELECT * FROM unnest($1::integer[], $2::integer[], $3::smallint[], $4::text[], $5::integer[], $6::integer[],
       $7::bigint[], $8::bigint[], $9::double precision[], $10::text[], $11::text[])
     ON CONFLICT (run, position) DO UPDATE SET
       state = excluded.state, reason = excluded.reason, status = excluded.status, attempts = excluded.attempts,
       started_at = excluded.started_at, settled_at = excluded.settled_at, latency_ms = excluded.latency_ms,
       error = excluded.error, worker = excluded.worker`,
    [
      all.map(({ run }) => run),
      all.map(({ position }) => position),
      all.map(({ state }) => RANK[state]),
      all.map(({ reason }) => reason),
      all.map(({ status }) => status),
      all.map(({ attempts }) => attempts),
      all.map(({ startedAt }) => startedAt),
      all.map(({ settledAt }) => settledAt),
      all.map(({ latencyMs }) => latencyMs),
      all.map(({ error }) => storableOrNull(error)),
      all.map(({ worker }) => storableOrNull(worker)),
    ],
  );
}

/** Few batches have any. */
async function writeAnswers(query: Query, batches: readonly RunBatch[]): Promise<void> {
  const all = batches.flatMap(({ outcomes }) => [...outcomes]);
  const replaced = all.filter(({ replaces }) => replaces);
  if (replaced.length > 0) {
    await query(
      `DELETE FROM senpu.answers a USING unnest($1::integer[], $2::integer[]) AS r (run, position)
       WHERE a.run = r.run AND a.position = r.position`,
      [replaced.map(({ run }) => run), replaced.map(({ position }) => position)],
    );
  }
  const kept = all.filter(({ answer }) => answer !== null);
  if (kept.length === 0) return;
  await query(
    `INSERT INTO senpu.answers (run, position, answer)
     SELECT * FROM unnest($1::integer[], $2::integer[], $3::text[])`,
    [
      kept.map(({ run }) => run),
      kept.map(({ position }) => position),
      kept.map(({ answer }) => answer),
    ],
  );
}

async function closeRuns(
  query: Query,
  batches: readonly RunBatch[],
  at: number,
): Promise<Omit<RecordResult, "orphans">> {
  const settled: string[] = [];
  const stopped: string[] = [];
  for (const counted of await countBatches(query, batches)) {
    const run = toRunRow(counted);
    const isSettled = !isFinal(run.state) && isComplete(run);
    if (!isSettled && !(run.state === "running" && passesTolerance(run))) continue;
    const state = isSettled ? "settled" : "stopped";
    await query("UPDATE senpu.runs SET state = $1, ended_at = $2 WHERE key = $3", [
      state,
      at,
      counted.key,
    ]);
    await fillOutbox(query, run, state, at);
    await logEvent(query, counted.key, at, state, "recorder");
    (isSettled ? settled : stopped).push(run.id);
  }
  return { settled, stopped };
}
