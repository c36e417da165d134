import type { SqliteFile } from "../sqlite-file.ts";
import type { RunState } from "../model/figures.ts";
import { RANK } from "../model/outcome.ts";
import type { NewRun, RunEvent, RunRow } from "./ledger.ts";
import { mayBecome } from "./run-rules.ts";
import { fillOutbox } from "./sqlite-outbox.ts";
import { POSITIONS_PER_RUN } from "./sqlite-schema.ts";
import { checkCommanded, checkRestart, noRun, runExists, toRunRow } from "./stored-run.ts";
import type { StoredRun } from "./stored-run.ts";

export const RUN_COLUMNS = `key, id, name, parent, created_at AS createdAt, source, settings, tolerance,
  state, generation, ended_at AS endedAt, beat_at AS beatAt, owner, closed_planned AS closedPlanned,
  recorded, planned, succeeded, failed, forgiven, cancelled, attempts, duplicates, max_latency_ms AS maxLatencyMs`;

export function createRun(
  file: SqliteFile,
  run: NewRun,
  by = `senpu (process ${process.pid})`,
): void {
  file.write(() => {
    const created = file
      .prepare(
        `INSERT INTO runs (id, name, parent, created_at, source, settings, tolerance, state, generation, beat_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, 'running', 1, ?) ON CONFLICT (id) DO NOTHING RETURNING key`,
      )
      .get(
        run.id,
        run.name,
        run.parent,
        run.createdAt,
        run.source,
        run.settings,
        run.tolerance,
        run.createdAt,
      );
    if (created === undefined) throw runExists(run.id);
    logEvent(file, Number(created["key"]), run.createdAt, "created", by);
  });
}

export function findRun(file: SqliteFile, id: string): StoredRun | undefined {
  return file.prepare(`SELECT ${RUN_COLUMNS} FROM runs WHERE id = ?`).get(id) as
    | StoredRun
    | undefined;
}

/** Throws SenpuError `run` for an unknown id. */
export function requireRun(file: SqliteFile, id: string): StoredRun {
  const run = findRun(file, id);
  if (run === undefined) throw noRun(id);
  return run;
}

export function listRuns(file: SqliteFile, limit: number): RunRow[] {
  const stored = file
    .prepare(`SELECT ${RUN_COLUMNS} FROM runs ORDER BY created_at DESC, key DESC LIMIT ?`)
    .all(limit) as unknown as StoredRun[];
  return stored.map(toRunRow);
}

export function restartRun(
  file: SqliteFile,
  id: string,
  from: Pick<RunRow, "generation" | "state">,
  by: string,
  at: number,
  tolerance?: number | null,
): number {
  return file.write(() => {
    const run = requireRun(file, id);
    const { key, state, generation } = run;
    checkRestart(run, from);
    file
      .prepare(
        `UPDATE runs SET state = 'running', generation = generation + 1, closed_planned = NULL, ended_at = NULL,
           beat_at = ?, owner = NULL, tolerance = ?, forgiven = ? WHERE key = ?`,
      )
      .run(
        at,
        tolerance === undefined ? run.tolerance : tolerance,
        state === "stopped" ? run.failed : run.forgiven,
        key,
      );
    logEvent(file, key, at, state === "paused" ? "unpaused" : "restarted", by);
    return generation + 1;
  });
}

export function setState(
  file: SqliteFile,
  id: string,
  state: RunState,
  by: string,
  at: number,
): RunState {
  checkCommanded(state);
  return file.write(() => {
    const run = requireRun(file, id);
    if (!mayBecome(run.state, state)) return run.state;
    const endedAt = state === "running" ? null : at;
    if (state === "stopped" || state === "cancelled") fillOutbox(file, run, state, at);
    file
      .prepare("UPDATE runs SET state = ?, ended_at = ? WHERE key = ?")
      .run(state, endedAt, run.key);
    if (state === "cancelled") cancelPending(file, run.key, at);
    logEvent(file, run.key, at, state === "running" ? "unpaused" : state, by);
    return state;
  });
}

function cancelPending(file: SqliteFile, key: number, at: number): void {
  const { changes } = file
    .prepare(
      "UPDATE calls SET state = ?, settled_at = ? WHERE position >= ? AND position < ? AND state = ?",
    )
    .run(RANK.cancelled, at, key * POSITIONS_PER_RUN, (key + 1) * POSITIONS_PER_RUN, RANK.pending);
  file.prepare("UPDATE runs SET cancelled = cancelled + ? WHERE key = ?").run(changes, key);
}

export function beat(file: SqliteFile, id: string, at: number, owner?: string): void {
  file.write(() =>
    file
      .prepare("UPDATE runs SET beat_at = ?, owner = coalesce(?, owner) WHERE id = ?")
      .run(at, owner ?? null, id),
  );
}

export function logEvent(
  file: SqliteFile,
  key: number,
  at: number,
  what: RunEvent["what"],
  by: string,
): void {
  file.prepare("INSERT INTO events (run, at, what, by) VALUES (?, ?, ?, ?)").run(key, at, what, by);
}

export function noteFailure(
  file: SqliteFile,
  id: string,
  what: RunEvent["what"],
  by: string,
  at: number,
): void {
  file.write(() => {
    const run = findRun(file, id);
    if (run !== undefined) logEvent(file, run.key, at, what, by);
  });
}

export function readEvents(file: SqliteFile, id: string): RunEvent[] {
  const { key } = requireRun(file, id);
  return file
    .prepare("SELECT at, what, by FROM events WHERE run = ? ORDER BY rowid")
    .all(key) as unknown as RunEvent[];
}
