import type { SqliteFile } from "../sqlite-file.ts";
import { RANK } from "../model/outcome.ts";
import type { Outcome, Reason, SettledState } from "../model/outcome.ts";
import type { LedgerRecord, PlannedCall, RecordResult } from "./ledger.ts";
import { isComplete, isFinal, passesTolerance } from "./run-rules.ts";
import { RunTally } from "./run-tally.ts";
import type { Countable } from "./run-tally.ts";
import { POSITIONS_PER_RUN } from "./sqlite-schema.ts";
import { countTally } from "./sqlite-counters.ts";
import { fillOutbox } from "./sqlite-outbox.ts";
import { RUN_COLUMNS, logEvent } from "./sqlite-runs.ts";
import { toRunRow } from "./stored-run.ts";
import type { StoredRun } from "./stored-run.ts";

/** A run while a batch is recorded: as it was found, and what the batch adds. */
interface OpenRun {
  readonly stored: StoredRun;
  readonly tally: RunTally;
  /** Rows of the run in `calls`, those of this batch included. */
  recorded: number;
  closedPlanned: number | null;
}

interface StoredCall {
  readonly position: number;
  readonly planned: number;
  readonly state: number;
  readonly reason: Reason | null;
  readonly status: number | null;
  readonly attempts: number;
  readonly latencyMs: number | null;
}

/** In: one batch. Out: rows, counters, and which runs ended by it. Must run within a write transaction. */
export function recordBatch(
  file: SqliteFile,
  records: readonly LedgerRecord[],
  at: number,
): RecordResult {
  const runs = new Map<string, OpenRun | undefined>();
  let orphans = 0;
  for (const record of records) {
    const run = openRun(file, runs, record.run);
    if (run === undefined) {
      orphans++;
      continue;
    }
    switch (record.kind) {
      case "planned":
        for (const call of record.calls) recordPlanned(file, run, call, at);
        break;
      case "outcomes":
        for (const outcome of record.outcomes) recordOutcome(file, run, record, outcome);
        break;
      case "closed":
        // One of an older generation knows nothing of what was planned since.
        if (record.generation >= run.stored.generation) run.closedPlanned = record.planned;
        break;
    }
  }
  const settled: string[] = [];
  const stopped: string[] = [];
  for (const run of runs.values()) {
    if (run === undefined) continue;
    const end = closeRun(file, run, at);
    if (end === "settled") settled.push(run.stored.id);
    if (end === "stopped") stopped.push(run.stored.id);
  }
  return { settled, stopped, orphans };
}

function openRun(
  file: SqliteFile,
  runs: Map<string, OpenRun | undefined>,
  id: string,
): OpenRun | undefined {
  if (runs.has(id)) return runs.get(id);
  const stored = file.prepare(`SELECT ${RUN_COLUMNS} FROM runs WHERE id = ?`).get(id) as
    | StoredRun
    | undefined;
  const run = stored && {
    stored,
    tally: new RunTally(),
    recorded: stored.recorded,
    closedPlanned: stored.closedPlanned,
  };
  runs.set(id, run);
  return run;
}

function recordPlanned(file: SqliteFile, run: OpenRun, call: PlannedCall, at: number): void {
  const { key, state } = run.stored;
  const cancelled = state === "cancelled";
  const inserted = file
    .prepare(
      `INSERT INTO calls (position, run, id, planned, lane, method, url, state, settled_at)
       VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?) ON CONFLICT (run, id) DO NOTHING`,
    )
    .run(
      nextPosition(run),
      key,
      call.id,
      call.lane,
      call.method,
      call.url,
      cancelled ? RANK.cancelled : RANK.pending,
      cancelled ? at : null,
    );
  if (inserted.changes === 1) {
    run.recorded++;
    run.tally.planned++;
    if (cancelled) run.tally.cancelled++;
    return;
  }
  const found = findCall(file, key, call.id);
  if (found === undefined || found.planned === 1) return;
  file
    .prepare("UPDATE calls SET planned = 1, lane = ?, method = ?, url = ? WHERE position = ?")
    .run(call.lane, call.method, call.url, found.position);
  run.tally.planned++;
  run.tally.add(countable(found));
}

function recordOutcome(
  file: SqliteFile,
  run: OpenRun,
  { lane, worker }: { readonly lane: string; readonly worker: string },
  outcome: Outcome,
): void {
  const { key } = run.stored;
  const values = [
    RANK[outcome.state],
    outcome.reason ?? null,
    outcome.status ?? null,
    outcome.attempts,
    outcome.startedAt ?? null,
    outcome.settledAt,
    outcome.latencyMs ?? null,
    outcome.error ?? null,
    worker,
  ] as const;
  // Nearly every outcome is its call's first, so this tries that before it looks.
  const first = file
    .prepare(`UPDATE calls SET ${OUTCOME_SETTERS} WHERE run = ? AND id = ? AND state = 0`)
    .run(...values, key, outcome.id);
  if (first.changes === 1) {
    run.tally.add(toCountable(outcome));
    if (outcome.answer !== undefined) {
      keepAnswer(file, findCall(file, key, outcome.id)?.position, outcome);
    }
    return;
  }
  const found = findCall(file, key, outcome.id);
  if (found === undefined) {
    if (outcome.answer !== undefined) keepAnswer(file, nextPosition(run), outcome);
    file
      .prepare(
        `INSERT INTO calls (position, run, id, planned, lane, method, url, ${OUTCOME_COLUMNS})
         VALUES (?, ?, ?, 0, ?, '', '', ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(nextPosition(run), key, outcome.id, lane, ...values);
    run.recorded++;
  } else if (RANK[outcome.state] > found.state) {
    file
      .prepare(`UPDATE calls SET ${OUTCOME_SETTERS} WHERE position = ?`)
      .run(...values, found.position);
    keepAnswer(file, found.position, outcome);
    if (found.planned === 1) {
      run.tally.takeOut(countable(found));
      run.tally.add(toCountable(outcome));
    }
  } else {
    run.tally.duplicates++;
  }
}

/** The answer of the outcome that now holds; of one that it replaces, nothing is left. */
function keepAnswer(file: SqliteFile, position: number | undefined, { answer }: Outcome): void {
  if (position === undefined) return;
  file.prepare("DELETE FROM answers WHERE position = ?").run(position);
  if (answer === undefined) return;
  file
    .prepare("INSERT INTO answers (position, answer) VALUES (?, ?)")
    .run(position, JSON.stringify(answer));
}

const OUTCOME_NAMES = [
  "state",
  "reason",
  "status",
  "attempts",
  "started_at",
  "settled_at",
  "latency_ms",
  "error",
  "worker",
];
const OUTCOME_COLUMNS = OUTCOME_NAMES.join(", ");
const OUTCOME_SETTERS = OUTCOME_NAMES.map((name) => `${name} = ?`).join(", ");

function closeRun(file: SqliteFile, run: OpenRun, at: number): "settled" | "stopped" | undefined {
  const { key } = run.stored;
  const counted = toRunRow(countTally(file, key, run.tally, run));
  const end = (state: "settled" | "stopped"): typeof state => {
    file.prepare("UPDATE runs SET state = ?, ended_at = ? WHERE key = ?").run(state, at, key);
    fillOutbox(file, counted, state, at);
    logEvent(file, key, at, state, "recorder");
    return state;
  };
  if (!isFinal(counted.state) && isComplete(counted)) return end("settled");
  if (counted.state === "running" && passesTolerance(counted)) return end("stopped");
  return undefined;
}

function nextPosition(run: OpenRun): number {
  return run.stored.key * POSITIONS_PER_RUN + run.recorded;
}

function findCall(file: SqliteFile, key: number, id: string): StoredCall | undefined {
  return file
    .prepare(
      `SELECT position, planned, state, reason, status, attempts, latency_ms AS latencyMs
       FROM calls WHERE run = ? AND id = ?`,
    )
    .get(key, id) as StoredCall | undefined;
}

const SETTLED_STATES: readonly SettledState[] = ["cancelled", "failed", "succeeded"];

/** Never called for a pending call: a row that is not planned has an outcome, and so has one that is outranked. */
function countable(call: StoredCall): Countable {
  const state = SETTLED_STATES[call.state - RANK.cancelled];
  if (state === undefined) throw new RangeError(`call state ${call.state}`);
  return { ...call, state };
}

function toCountable(outcome: Outcome): Countable {
  return {
    state: outcome.state,
    reason: outcome.reason ?? null,
    status: outcome.status ?? null,
    attempts: outcome.attempts,
    latencyMs: outcome.latencyMs ?? null,
  };
}
