import type { DatabaseSync } from "node:sqlite";
import { isComplete, isFinal } from "../../shared/ledger/run-rules.ts";
import { openSqliteLedger } from "../../shared/ledger/sqlite-ledger.ts";
import { compareCounters, recount, storeCounters } from "../../shared/ledger/sqlite-recount.ts";
import { POSITIONS_PER_RUN } from "../../shared/ledger/sqlite-schema.ts";
import { SqliteFile } from "../../shared/sqlite-file.ts";
import { keptName } from "../../shared/state/kept-copies.ts";
import { sizeOf } from "../../shared/state/folder-sizes.ts";
import { formatQuantity } from "../../shared/terminal/format.ts";
import { listStored } from "./check-counters.ts";
import { keysWithCalls } from "./check-ledger.ts";
import type { Examination } from "./finding.ts";
import { nameSome } from "./finding.ts";
import { rebuild } from "./rebuild.ts";
import { describeRebuilt } from "./describe-rebuilt.ts";
import { findDamage, ledgerStore, versionOf } from "./stores.ts";
import type { Store } from "./stores.ts";

/** Makes the ledger one that can be trusted again. Yields what it does, a line each. */
export async function* repairLedger({
  folder,
  now,
  thorough,
}: Examination): AsyncGenerator<string> {
  const store = ledgerStore(folder);
  if (store === undefined || sizeOf(store.path) === 0) return;
  const isDamaged = findDamage(store.path, thorough).length > 0;
  if (isDamaged) {
    const rebuilt = rebuild({
      path: store.path,
      now,
      makeEmpty: (path) => new SqliteFile({ ...store, path }).close(),
      accept: dropStrays,
    });
    yield* describeRebuilt("ledger", rebuilt);
    if (!rebuilt.replaced) return;
  } else if ((versionOf(store.path) ?? 0) > store.schema.version) return;
  yield* recountRuns(store, now, isDamaged);
  yield* settleRuns(store.path, now);
}

/** Rows that contradict themselves, and those of runs that could not be read. */
function dropStrays(target: DatabaseSync): boolean {
  target.exec(`
    DELETE FROM calls WHERE run <> position / ${POSITIONS_PER_RUN} OR state NOT BETWEEN 0 AND 3
      OR run NOT IN (SELECT key FROM runs);
    DELETE FROM outbox WHERE run NOT IN (SELECT id FROM runs);
    DELETE FROM forgotten;
  `);
  return Number(target.prepare("SELECT count(*) AS n FROM runs").get()?.["n"]) > 0;
}

function* recountRuns(store: Store, now: number, isKept: boolean): Generator<string> {
  const file = new SqliteFile(store);
  try {
    const wrong = listStored(file).filter(
      ({ key }) => compareCounters(file, key, recount(file, key)).length > 0,
    );
    const strays = findStrays(file);
    if (wrong.length === 0 && strays.length === 0) return;
    if (!isKept) {
      const kept = keptName(store.path, now);
      file.read(() => file.prepare("VACUUM INTO ?").run(kept));
      yield `ledger: kept as ${kept}`;
    }
    for (const { key, id } of wrong) {
      const differences = file.write(() => {
        const counted = recount(file, key);
        const found = compareCounters(file, key, counted);
        storeCounters(file, key, counted);
        return found;
      });
      yield `run ${id}: counted anew (had ${nameSome(differences)})`;
    }
    for (const key of strays) {
      const rows = removeCalls(file, key);
      yield `ledger: ${formatQuantity(rows, "call")} of a run that it does not know removed`;
    }
  } finally {
    file.close();
  }
}

function findStrays(file: SqliteFile): number[] {
  const known = file.prepare(
    "SELECT 1 FROM runs WHERE key = ? UNION SELECT 1 FROM forgotten WHERE key = ?",
  );
  return [...keysWithCalls(file)].filter((key) => known.get(key, key) === undefined);
}

function removeCalls(file: SqliteFile, key: number): number {
  return file.write(() => {
    for (const table of ["latencies", "failures", "events"]) {
      file.prepare(`DELETE FROM ${table} WHERE run = ?`).run(key);
    }
    const from = key * POSITIONS_PER_RUN;
    file
      .prepare("DELETE FROM answers WHERE position >= ? AND position < ?")
      .run(from, from + POSITIONS_PER_RUN);
    return Number(
      file
        .prepare("DELETE FROM calls WHERE position >= ? AND position < ?")
        .run(from, from + POSITIONS_PER_RUN).changes,
    );
  });
}

/** Runs that are complete now that they are counted right: recording nothing looks at their sums. */
async function* settleRuns(path: string, now: number): AsyncGenerator<string> {
  const ledger = openSqliteLedger(path);
  try {
    const runs = await ledger.listRuns(Number.MAX_SAFE_INTEGER);
    const late = runs.filter((run) => !isFinal(run.state) && isComplete(run));
    for (const { id } of late) {
      const { settled } = await ledger.record([{ kind: "planned", run: id, calls: [] }], now);
      if (settled.length > 0) yield `run ${id}: settled, as all its calls have been`;
    }
  } finally {
    await ledger.close();
  }
}
