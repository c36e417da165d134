import { fork } from "node:child_process";
import { once } from "node:events";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import type { Ledger } from "../../../shared/ledger/ledger.ts";
import { openSqliteLedger } from "../../../shared/ledger/sqlite-ledger.ts";
import type { SqliteLedgerOptions } from "../../../shared/ledger/sqlite-ledger.ts";
import {
  T0,
  closed,
  collect,
  newRun,
  numbered,
  outcomes,
  planned,
  succeeded,
} from "../../conformance/ledger-records.ts";
import { temporaryFolder } from "../broker/embedded.ts";

const ledgerFile = (): string => join(temporaryFolder(), "ledger.db");

function open(path: string, options?: SqliteLedgerOptions): Ledger {
  const ledger = openSqliteLedger(path, options);
  onTestFinished(() => ledger.close());
  return ledger;
}

test("a full disk is said in words, and stores nothing of the batch", async () => {
  const path = ledgerFile();
  const small = open(path, { maxPageCount: 60 });
  await small.createRun(newRun("r"));
  let stored = 0;
  const batch = (): string[] => numbered(stored + 100).slice(stored);
  await expect(async () => {
    for (;;) {
      const ids = batch();
      await small.record([planned("r", ids), outcomes("r", ...ids.map((id) => succeeded(id)))], T0);
      stored += ids.length;
    }
  }).rejects.toThrow(
    /ledger\.db: no space left, and nothing of this step was stored; free some, then go on/,
  );
  expect(stored).toBeGreaterThan(0);
  expect(await small.figures("r", T0)).toMatchObject({
    planned: stored,
    succeeded: stored,
    pending: 0,
  });
  expect(await collect(small.calls("r", {}))).toHaveLength(stored);

  // With space again, the same connection goes on where it was.
  const large = open(path);
  const ids = batch();
  await large.record([planned("r", ids), outcomes("r", ...ids.map((id) => succeeded(id)))], T0);
  await large.record([closed("r", stored + 100)], T0);
  expect(await small.figures("r", T0)).toMatchObject({
    state: "settled",
    planned: stored + 100,
    duplicates: 0,
  });
});

test("two processes record into one file at once, and every record counts once", async () => {
  const path = ledgerFile();
  const ledger = open(path);
  await ledger.createRun(newRun("r"));
  const recorders = ["a", "b"].map((name) =>
    fork(new URL("record-in-process.ts", import.meta.url), [path, "r", name], {
      execArgv: ["--disable-warning=ExperimentalWarning"],
    }),
  );
  const codes = await Promise.all(
    recorders.map(async (recorder) => (await once(recorder, "exit"))[0] as number),
  );
  expect(codes).toEqual([0, 0]);
  // Each has recorded 20 batches of 50 calls that only it knows, and of 50 that both know.
  await ledger.record([closed("r", 3000)], T0);
  expect(await ledger.figures("r", T0)).toMatchObject({
    state: "settled",
    planned: 3000,
    succeeded: 3000,
    duplicates: 1000,
  });
});

test("two processes that open a new file at once both find it made", async () => {
  const path = ledgerFile();
  const opened = ["a", "b", "c"].map((name) =>
    fork(new URL("record-in-process.ts", import.meta.url), [path, "none", name], {
      execArgv: ["--disable-warning=ExperimentalWarning"],
    }),
  );
  const codes = await Promise.all(
    opened.map(async (recorder) => (await once(recorder, "exit"))[0] as number),
  );
  expect(codes).toEqual([0, 0, 0]);
});

test("a file of a newer senpu is left alone", () => {
  const path = ledgerFile();
  const file = new DatabaseSync(path);
  file.exec("PRAGMA user_version = 99");
  file.close();
  expect(() => openSqliteLedger(path)).toThrow(
    /ledger\.db was written by a newer senpu \(schema 99; .*update senpu/,
  );
});

test("a file of version 1 keeps what it had to tell", async () => {
  const path = ledgerFile();
  const before = open(path);
  await before.createRun(newRun("r"));
  await before.record([closed("r", 0)], T0 + 5);
  const [row] = await before.outbox();
  await before.close();
  const file = new DatabaseSync(path);
  file.exec(`
    DROP TABLE answers;
    DROP TABLE outbox;
    CREATE TABLE outbox (
      number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, run TEXT NOT NULL
    ) STRICT;
    INSERT INTO outbox (id, run) VALUES ('r/settled', 'r');
    ALTER TABLE runs DROP COLUMN owner;
    ALTER TABLE runs DROP COLUMN forgiven;
    PRAGMA user_version = 1;
  `);
  file.close();
  const ledger = open(path);
  expect(await ledger.outbox()).toEqual([row]);
  expect(row).toMatchObject({ id: "r/settled", task: "event", state: "settled", at: T0 + 5 });
  expect(await ledger.findRun("r")).toMatchObject({ state: "settled", owner: null, forgiven: 0 });
});

test("a file that is no database is named, with what to do", () => {
  const path = ledgerFile();
  writeFileSync(path, "x".repeat(8192));
  expect(() => openSqliteLedger(path)).toThrow(
    /ledger\.db: is damaged, or not a database of senpu; senpu doctor --repair saves/,
  );
});

test("a folder that is not there is named", () => {
  const path = join(temporaryFolder(), "missing", "ledger.db");
  expect(() => openSqliteLedger(path)).toThrow(/missing.ledger\.db: cannot be opened for writing/);
});

test("prune gives the space back while others have the file open", async () => {
  const path = ledgerFile();
  const ledger = open(path);
  const reader = open(path);
  await ledger.createRun(newRun("old", { createdAt: T0 - 1 }));
  await ledger.createRun(newRun("kept"));
  await ledger.record([planned("old", numbered(20_000)), planned("kept", ["a"])], T0);
  await ledger.setState("old", "interrupted", "me", T0);
  expect(await collect(reader.calls("old", { limit: 1 }))).toHaveLength(1);
  const size = (): number => statSync(path).size + statSync(`${path}-wal`).size;
  expect(size()).toBeGreaterThan(1_000_000);
  expect(await ledger.prune(T0)).toEqual(["old"]);
  expect(size()).toBeLessThan(200_000);
  expect(await reader.figures("kept", T0)).toMatchObject({ planned: 1 });
});

test("what a dead prune has left, the next one deletes", async () => {
  const path = ledgerFile();
  const ledger = open(path);
  await ledger.createRun(newRun("old", { createdAt: T0 - 1 }));
  await ledger.record([planned("old", numbered(100)), closed("old", 100)], T0);
  const file = new DatabaseSync(path);
  file.exec("INSERT INTO forgotten SELECT key FROM runs; DELETE FROM runs");
  expect(await ledger.prune(T0)).toEqual([]);
  expect(file.prepare("SELECT COUNT(*) AS count FROM calls").get()).toMatchObject({ count: 0 });
  file.close();
});
