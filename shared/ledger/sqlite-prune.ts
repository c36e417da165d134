import { setImmediate } from "node:timers/promises";
import type { SqliteFile } from "../sqlite-file.ts";
import { giveSpaceBack } from "../sqlite-space.ts";
import { HEARTBEAT_DEAD_MS } from "./ledger.ts";
import { POSITIONS_PER_RUN } from "./sqlite-schema.ts";

/** Rows per transaction: some 10 ms, so that others who write hardly wait. */
const SLICE_ROWS = 5_000;

/**
 * Forgets runs in one short transaction, then deletes their rows slice by slice; what a death leaves, the next prune
 * deletes. Then the space is given back.
 */
export async function pruneRuns(file: SqliteFile, before: number): Promise<string[]> {
  const ids = file.write(() => forgetRuns(file, before));
  const forgotten = file.read(() => file.prepare("SELECT key FROM forgotten").all());
  for (const row of forgotten) await deleteRows(file, Number(row["key"]));
  await giveSpaceBack(file);
  return ids;
}

function forgetRuns(file: SqliteFile, before: number): string[] {
  const doomed = file
    .prepare(
      `DELETE FROM runs WHERE created_at < ? AND (state NOT IN ('running', 'paused') OR beat_at < ?) RETURNING key, id`,
    )
    .all(before, before - HEARTBEAT_DEAD_MS);
  const remember = file.prepare("INSERT INTO forgotten (key) VALUES (?)");
  const unpublish = file.prepare("DELETE FROM outbox WHERE run = ?");
  return doomed.map(({ key, id }) => {
    remember.run(Number(key));
    unpublish.run(String(id));
    return String(id);
  });
}

async function deleteRows(file: SqliteFile, key: number): Promise<void> {
  const deleteSlice = (table: "answers" | "calls") => (): number =>
    Number(
      file
        .prepare(
          `DELETE FROM ${table} WHERE position IN
             (SELECT position FROM ${table} WHERE position >= ? AND position < ? LIMIT ?)`,
        )
        .run(key * POSITIONS_PER_RUN, (key + 1) * POSITIONS_PER_RUN, SLICE_ROWS).changes,
    );
  while (file.write(deleteSlice("answers")) > 0) await setImmediate();
  while (file.write(deleteSlice("calls")) > 0) await setImmediate();
  file.write(() => {
    for (const table of ["latencies", "failures", "events"]) {
      file.prepare(`DELETE FROM ${table} WHERE run = ?`).run(key);
    }
    file.prepare("DELETE FROM forgotten WHERE key = ?").run(key);
  });
}
