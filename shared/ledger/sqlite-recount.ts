import { RANK } from "../model/outcome.ts";
import type { Reason, SettledState } from "../model/outcome.ts";
import type { SqliteFile } from "../sqlite-file.ts";
import { RunTally } from "./run-tally.ts";
import { POSITIONS_PER_RUN } from "./sqlite-schema.ts";

/** A run's counters made anew from its rows: for whoever doubts those that recording keeps. */
export interface Recount {
  readonly tally: RunTally;
  /** Rows that there are. */
  readonly rows: number;
  /** Rows that there were: the number behind the last one's position, which is never given twice. */
  readonly recorded: number;
}

const STATES: ReadonlyMap<unknown, SettledState> = new Map(
  (["cancelled", "failed", "succeeded"] as const).map((state) => [RANK[state], state]),
);

/** Sums up by the very rules by which recording does. Duplicates leave no row, so they are not counted. */
export function recount(file: SqliteFile, key: number): Recount {
  const tally = new RunTally();
  const from = key * POSITIONS_PER_RUN;
  let rows = 0;
  let last = from - 1;
  const calls = file
    .prepare(
      `SELECT position, planned, state, reason, status, attempts, latency_ms AS latencyMs
       FROM calls WHERE position >= ? AND position < ? ORDER BY position`,
    )
    .iterate(from, from + POSITIONS_PER_RUN);
  for (const call of calls) {
    rows++;
    last = Number(call["position"]);
    if (call["planned"] !== 1) continue;
    tally.planned++;
    const state = STATES.get(call["state"]);
    if (state === undefined) continue;
    tally.add({
      state,
      reason: call["reason"] as Reason | null,
      status: call["status"] as number | null,
      attempts: Number(call["attempts"]),
      latencyMs: call["latencyMs"] as number | null,
    });
  }
  return { tally, rows, recorded: last - from + 1 };
}

const COUNTERS = ["planned", "succeeded", "failed", "cancelled", "attempts"] as const;

/** Where the stored counters say otherwise: `succeeded 397 and not 398`. Empty where all agree. */
export function compareCounters(
  file: SqliteFile,
  key: number,
  { tally, recorded }: Recount,
): string[] {
  const stored = file
    .prepare(
      `SELECT ${COUNTERS.join(", ")}, recorded, max_latency_ms AS maxLatencyMs FROM runs WHERE key = ?`,
    )
    .get(key);
  if (stored === undefined) return [];
  const differences = COUNTERS.filter((name) => stored[name] !== tally[name]).map(
    (name) => `${name} ${String(stored[name])} and not ${tally[name]}`,
  );
  // A higher one is no fault: it only leaves positions out.
  if (Number(stored["recorded"]) < recorded) {
    differences.push(`recorded ${String(stored["recorded"])} and not ${recorded}`);
  }
  if (stored["maxLatencyMs"] !== (tally.maxLatencyMs ?? null)) differences.push("longest latency");
  if (!isSame(readTable(file, LATENCIES, key), tally.latencies)) differences.push("latencies");
  if (!isSame(readTable(file, FAILURES, key), failureCounts(tally))) differences.push("failures");
  return differences;
}

/** Stores what was counted, but for duplicates. Within the transaction that counted. */
export function storeCounters(file: SqliteFile, key: number, { tally, recorded }: Recount): void {
  file
    .prepare(
      `UPDATE runs SET planned = ?, succeeded = ?, failed = ?, cancelled = ?, attempts = ?,
         recorded = max(recorded, ?), max_latency_ms = ?, forgiven = min(forgiven, ?) WHERE key = ?`,
    )
    .run(
      ...COUNTERS.map((name) => tally[name]),
      recorded,
      tally.maxLatencyMs ?? null,
      tally.failed,
      key,
    );
  file.prepare("DELETE FROM latencies WHERE run = ?").run(key);
  file.prepare("DELETE FROM failures WHERE run = ?").run(key);
  const addLatency = file.prepare(
    "INSERT INTO latencies (run, latency_us, count) VALUES (?, ?, ?)",
  );
  for (const [latencyUs, count] of tally.latencies) addLatency.run(key, latencyUs, count);
  const addFailure = file.prepare(
    "INSERT INTO failures (run, reason, status, count) VALUES (?, ?, ?, ?)",
  );
  for (const { reason, status, change } of tally.failures.values()) {
    addFailure.run(key, reason, status ?? 0, change);
  }
}

const LATENCIES = "SELECT latency_us AS name, count FROM latencies WHERE run = ? AND count <> 0";
const FAILURES =
  "SELECT reason || ' ' || status AS name, count FROM failures WHERE run = ? AND count <> 0";

function readTable(file: SqliteFile, sql: string, key: number): Map<unknown, number> {
  const rows = file.prepare(sql).all(key);
  return new Map(rows.map((row) => [row["name"], Number(row["count"])]));
}

function failureCounts(tally: RunTally): Map<unknown, number> {
  const groups = [...tally.failures.values()];
  return new Map(groups.map(({ reason, status, change }) => [`${reason} ${status ?? 0}`, change]));
}

function isSame(a: ReadonlyMap<unknown, number>, b: ReadonlyMap<unknown, number>): boolean {
  return a.size === b.size && [...a].every(([name, count]) => b.get(name) === count);
}
