import { SenpuError } from "../errors.ts";
import type { SqliteFile } from "../sqlite-file.ts";
import type { RunState } from "../model/figures.ts";
import { RANK } from "../model/outcome.ts";
import type { NewRun, RunEvent, RunRow } from "./ledger.ts";
import { isFinal } from "./run-rules.ts";
import { fillOutbox } from "./sqlite-outbox.ts";
import { POSITIONS_PER_RUN } from "./sqlite-schema.ts";

/** A run's row as the file holds it. */
export interface StoredRun extends RunRow {
  readonly key: number;
  readonly recorded: number;
  readonly attempts: number;
  readonly duplicates: number;
  readonly maxLatencyMs: number | null;
}

export const RUN_COLUMNS = `key, id, name, parent, created_at AS createdAt, source, settings, tolerance,
  state, generation, ended_at AS endedAt, beat_at AS beatAt, closed_planned AS closedPlanned,
  recorded, planned, succeeded, failed, cancelled, attempts, duplicates, max_latency_ms AS maxLatencyMs`;

export function toRunRow(stored: StoredRun): RunRow {
  const { key: _1, recorded: _2, attempts: _3, duplicates: _4, maxLatencyMs: _5, ...row } = stored;
  return row;
}

export function createRun(file: SqliteFile, run: NewRun): void {
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
    if (created === undefined) {
      throw new SenpuError("run", `run ${run.id} exists already; choose another id`);
    }
    logEvent(file, Number(created["key"]), run.createdAt, "created", `senpu ${process.pid}`);
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
  if (run === undefined) {
    throw new SenpuError("run", `no run ${id} in this ledger; senpu runs lists those there are`);
  }
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
  from: number,
  by: string,
  at: number,
): number {
  return file.write(() => {
    const { key, state, generation } = requireRun(file, id);
    if (isFinal(state)) {
      throw new SenpuError("run", `run ${id} is ${state}: there is nothing left to go on with`);
    }
    if (generation !== from) {
      throw new SenpuError("run", `run ${id} was taken up by another process just now`);
    }
    file
      .prepare(
        `UPDATE runs SET state = 'running', generation = generation + 1, closed_planned = NULL, ended_at = NULL,
           beat_at = ? WHERE key = ?`,
      )
      .run(at, key);
    logEvent(file, key, at, "restarted", by);
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
  if (state === "settled") {
    throw new SenpuError("run", "a run is settled by what is recorded, not by command");
  }
  return file.write(() => {
    const run = requireRun(file, id);
    if (isFinal(run.state) || run.state === state) return run.state;
    const endedAt = state === "running" || state === "paused" ? null : at;
    if (state === "stopped" || state === "cancelled") fillOutbox(file, run, state, at);
    file
      .prepare("UPDATE runs SET state = ?, ended_at = ? WHERE key = ?")
      .run(state, endedAt, run.key);
    if (state === "cancelled") cancelPending(file, run.key, at);
    logEvent(file, run.key, at, state, by);
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

export function beat(file: SqliteFile, id: string, at: number): void {
  file.write(() => file.prepare("UPDATE runs SET beat_at = ? WHERE id = ?").run(at, id));
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
