import type { EndState } from "../model/settled-event.ts";
import type { RunState } from "../model/figures.ts";
import { RANK } from "../model/outcome.ts";
import type { NewRun, OutboxRow, RunEvent, RunRow } from "./ledger.ts";
import { outboxRows } from "./outbox-rows.ts";
import type { Query, Transact } from "./postgres-database.ts";
import { storable, storableOrNull } from "./postgres-text.ts";
import { mayBecome } from "./run-rules.ts";
import { checkCommanded, checkRestart, noRun, runExists } from "./stored-run.ts";
import type { StoredRun } from "./stored-run.ts";

export const RUN_COLUMNS = `key, id, name, parent, created_at AS "createdAt", source, settings, tolerance,
  state, generation, ended_at AS "endedAt", beat_at AS "beatAt", owner, closed_planned AS "closedPlanned",
  recorded, planned, succeeded, failed, forgiven, cancelled, attempts, duplicates, max_latency_ms AS "maxLatencyMs"`;

/** Calls that one statement cancels: some tenths of a second. */
const CANCEL_SLICE = 50_000;

export function createRun(transact: Transact, run: NewRun, by: string): Promise<void> {
  return transact(async (query) => {
    const [created] = await query<{ key: number }>(
      `INSERT INTO senpu.runs
         (id, name, parent, created_at, source, settings, tolerance, state, generation, beat_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, 'running', 1, $4) ON CONFLICT (id) DO NOTHING RETURNING key`,
      [
        storable(run.id),
        storable(run.name),
        storableOrNull(run.parent),
        run.createdAt,
        storable(run.source),
        storable(run.settings),
        run.tolerance,
      ],
    );
    if (created === undefined) throw runExists(run.id);
    await logEvent(query, created.key, run.createdAt, "created", by);
  });
}

export async function findRun(query: Query, id: string): Promise<StoredRun | undefined> {
  const sql = `SELECT ${RUN_COLUMNS} FROM senpu.runs WHERE id = $1`;
  return (await query<StoredRun>(sql, [storable(id)]))[0];
}

export function listRuns(query: Query, limit: number): Promise<StoredRun[]> {
  return query(
    `SELECT ${RUN_COLUMNS} FROM senpu.runs ORDER BY created_at DESC, key DESC LIMIT $1`,
    [limit],
  );
}

/** For this transaction alone, until it ends. Throws SenpuError `run` for an unknown id. */
async function holdRun(query: Query, id: string): Promise<StoredRun> {
  const sql = `SELECT ${RUN_COLUMNS} FROM senpu.runs WHERE id = $1 FOR UPDATE`;
  const [run] = await query<StoredRun>(sql, [storable(id)]);
  if (run === undefined) throw noRun(id);
  return run;
}

export function restartRun(
  transact: Transact,
  id: string,
  from: Pick<RunRow, "generation" | "state">,
  by: string,
  at: number,
  tolerance: number | null | undefined,
): Promise<number> {
  return transact(async (query) => {
    const run = await holdRun(query, id);
    checkRestart(run, from);
    await query(
      `UPDATE senpu.runs SET state = 'running', generation = generation + 1, closed_planned = NULL, ended_at = NULL,
         beat_at = $1, owner = NULL, tolerance = $2, forgiven = $3 WHERE key = $4`,
      [
        at,
        tolerance === undefined ? run.tolerance : tolerance,
        run.state === "stopped" ? run.failed : run.forgiven,
        run.key,
      ],
    );
    await logEvent(query, run.key, at, run.state === "paused" ? "unpaused" : "restarted", by);
    return run.generation + 1;
  });
}

export function setState(
  transact: Transact,
  id: string,
  state: RunState,
  by: string,
  at: number,
): Promise<RunState> {
  return transact(async (query) => {
    checkCommanded(state);
    const run = await holdRun(query, id);
    if (!mayBecome(run.state, state)) return run.state;
    if (state === "stopped" || state === "cancelled") await fillOutbox(query, run, state, at);
    await query("UPDATE senpu.runs SET state = $1, ended_at = $2 WHERE key = $3", [
      state,
      state === "running" ? null : at,
      run.key,
    ]);
    if (state === "cancelled") await cancelPending(query, run, at);
    await logEvent(query, run.key, at, state === "running" ? "unpaused" : state, by);
    return state;
  });
}

async function cancelPending(query: Query, run: StoredRun, at: number): Promise<void> {
  let cancelled = 0;
  for (let from = 0; from < run.recorded; from += CANCEL_SLICE) {
    const [slice] = await query<{ count: number }>(
      `WITH added AS (
         INSERT INTO senpu.outcomes (run, position, state, attempts, settled_at)
         SELECT run, position, $1, 0, $2 FROM senpu.calls
         WHERE run = $3 AND position >= $4 AND position < $5 AND planned
         ON CONFLICT (run, position) DO NOTHING RETURNING 1
       ) SELECT count(*) FROM added`,
      [RANK.cancelled, at, run.key, from, from + CANCEL_SLICE],
    );
    cancelled += slice?.count ?? 0;
  }
  const sql = "UPDATE senpu.runs SET cancelled = cancelled + $1 WHERE key = $2";
  await query(sql, [cancelled, run.key]);
}

export async function beat(query: Query, id: string, at: number, owner?: string): Promise<void> {
  const sql = "UPDATE senpu.runs SET beat_at = $1, owner = coalesce($2, owner) WHERE id = $3";
  await query(sql, [at, storableOrNull(owner), storable(id)]);
}

export async function logEvent(
  query: Query,
  key: number,
  at: number,
  what: RunEvent["what"],
  by: string,
): Promise<void> {
  const sql = "INSERT INTO senpu.events (run, at, what, by) VALUES ($1, $2, $3, $4)";
  await query(sql, [key, at, what, storable(by)]);
}

export function noteFailure(
  transact: Transact,
  id: string,
  what: RunEvent["what"],
  by: string,
  at: number,
): Promise<void> {
  return transact(async (query) => {
    const run = await findRun(query, id);
    if (run !== undefined) await logEvent(query, run.key, at, what, by);
  });
}

export async function readEvents(query: Query, id: string): Promise<RunEvent[]> {
  const run = await findRun(query, id);
  if (run === undefined) throw noRun(id);
  const sql = "SELECT at, what, by FROM senpu.events WHERE run = $1 ORDER BY number";
  return query<RunEvent>(sql, [run.key]);
}

/** What is still to be told of runs that have ended. Written in the transaction that ends the run. */
export async function fillOutbox(
  query: Query,
  run: { readonly id: string; readonly generation: number; readonly settings: string },
  state: EndState,
  at: number,
): Promise<void> {
  for (const row of outboxRows(run, state, at)) {
    await query(
      `INSERT INTO senpu.outbox (id, run, event, task, state, at) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (id) DO NOTHING`,
      [row.id, row.run, row.event, row.task, row.state, row.at],
    );
  }
}

export function readOutbox(query: Query): Promise<OutboxRow[]> {
  return query("SELECT id, run, event, task, state, at FROM senpu.outbox ORDER BY number");
}

export async function confirmOutbox(query: Query, ids: readonly string[]): Promise<void> {
  await query("DELETE FROM senpu.outbox WHERE id = ANY($1)", [ids.map(storable)]);
}
