import { HEARTBEAT_DEAD_MS } from "./ledger.ts";
import type { Query, Transact } from "./postgres-database.ts";

/** Calls whose rows one transaction deletes: some tenths of a second. */
const SLICE_ROWS = 20_000;

/**
 * Forgets runs in one short transaction, then deletes their rows slice by slice; what a death leaves, the next prune
 * deletes. The database uses the space again; it gives none back to the disk, which autovacuum sees to.
 */
export async function pruneRuns(
  query: Query,
  transact: Transact,
  before: number,
): Promise<string[]> {
  const ids = await transact((query) => forgetRuns(query, before));
  const forgotten = await query<{ key: number; recorded: number }>(
    "SELECT key, recorded FROM senpu.forgotten ORDER BY key",
  );
  for (const { key, recorded } of forgotten) await deleteRows(query, transact, key, recorded);
  return ids;
}

async function forgetRuns(query: Query, before: number): Promise<string[]> {
  // Held in the order in which recorders hold them.
  const doomed = await query<{ key: number; id: string; recorded: number }>(
    `SELECT key, id, recorded FROM senpu.runs
     WHERE created_at < $1 AND (state NOT IN ('running', 'paused') OR beat_at < $2) ORDER BY key FOR UPDATE`,
    [before, before - HEARTBEAT_DEAD_MS],
  );
  const keys = doomed.map(({ key }) => key);
  const ids = doomed.map(({ id }) => id);
  await query("DELETE FROM senpu.runs WHERE key = ANY($1)", [keys]);
  await query("DELETE FROM senpu.outbox WHERE run = ANY($1)", [ids]);
  await query(
    "INSERT INTO senpu.forgotten (key, recorded) SELECT * FROM unnest($1::integer[], $2::integer[])",
    [keys, doomed.map(({ recorded }) => recorded)],
  );
  return ids;
}

async function deleteRows(
  query: Query,
  transact: Transact,
  key: number,
  recorded: number,
): Promise<void> {
  for (let from = 0; from < recorded; from += SLICE_ROWS) {
    for (const table of ["answers", "outcomes", "calls"]) {
      await query(
        `DELETE FROM senpu.${table} WHERE run = $1 AND position >= $2 AND position < $3`,
        [key, from, from + SLICE_ROWS],
      );
    }
  }
  await transact(async (query) => {
    for (const table of ["latencies", "failures", "events"]) {
      await query(`DELETE FROM senpu.${table} WHERE run = $1`, [key]);
    }
    await query("DELETE FROM senpu.forgotten WHERE key = $1", [key]);
  });
}
