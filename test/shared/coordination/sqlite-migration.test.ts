import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import type { Coordination } from "../../../shared/coordination/coordination.ts";
import { openSqliteCoordination } from "../../../shared/coordination/sqlite-coordination.ts";
import { TOTAL } from "../../../shared/model/lane.ts";
import { temporaryFolder } from "../broker/embedded.ts";

const T0 = 1_785_542_400_000;

/** A file as version 1 of the schema left it: a run with two lanes, a lease, reserved starts and a checkpoint. */
function fileOfVersion1(): string {
  const path = join(temporaryFolder(), "coordination.db");
  const kept = new URL("coordination-1.db.gz", import.meta.url);
  writeFileSync(path, gunzipSync(readFileSync(kept)));
  return path;
}

function open(path: string): Coordination {
  const coordination = openSqliteCoordination(path, () => T0);
  onTestFinished(() => coordination.close());
  return coordination;
}

function inspect<T>(path: string, look: (file: DatabaseSync) => T): T {
  const file = new DatabaseSync(path);
  try {
    return look(file);
  } finally {
    file.close();
  }
}

const versionOf = (file: DatabaseSync): unknown =>
  file.prepare("PRAGMA user_version").get()?.["user_version"];

const schemaOf = (file: DatabaseSync): unknown[] =>
  file.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name").all();

test("what a file of version 1 says is still known, and it takes what is new", async () => {
  const path = fileOfVersion1();
  expect(inspect(path, versionOf)).toBe(1);
  const coordination = open(path);
  expect(inspect(path, versionOf)).toBe(2);

  expect(await coordination.control("r")).toEqual({ generation: 2, state: "running" });
  const crm = { lane: "crm", concurrency: 8, rate: { count: 20, perMs: 1000 } };
  const mail = { lane: "mail", concurrency: 2 };
  expect(await coordination.lanes()).toEqual([crm, mail]);
  expect(await coordination.workers("crm", T0 + 59_999)).toBe(1);
  expect(await coordination.reserve("crm", crm.rate, 1, T0)).toBe(T0 + 500);
  expect(await coordination.readCheckpoint("r/1/k")).toEqual({
    unsafe: ["a"],
    done: [0, 2],
    attempts: { 1: 3 },
  });

  const total = { lane: TOTAL, concurrency: Infinity, rate: { count: 5, perMs: 1000, burst: 3 } };
  await coordination.claimLanes("s", [total]);
  expect(await coordination.lanes()).toEqual([total, crm, mail]);
  expect(await coordination.destinations("crm")).toEqual([]);
});

test("migrated, a file is the same as a new one", () => {
  const [migrated, fresh] = [fileOfVersion1(), join(temporaryFolder(), "coordination.db")];
  open(migrated);
  open(fresh);
  const schema = inspect(fresh, schemaOf);
  expect(schema).toHaveLength(inspect(migrated, schemaOf).length);
  expect(inspect(migrated, schemaOf)).toEqual(schema);
});

test("processes that open an old file at once all find it migrated, once", async () => {
  const path = fileOfVersion1();
  const opened = ["a", "b", "c"].map((run) =>
    fork(new URL("claim-in-process.ts", import.meta.url), [path, run], {
      execArgv: ["--disable-warning=ExperimentalWarning"],
    }),
  );
  const codes = await Promise.all(
    opened.map(async (child) => (await once(child, "exit"))[0] as number),
  );
  expect(codes).toEqual([0, 0, 0]);
  const lanes = (await open(path).lanes()).map(({ lane }) => lane);
  expect(lanes).toEqual(["a", "b", "c", "crm", "mail"]);
});

test("a migration that fails leaves the old file as it was", () => {
  const path = fileOfVersion1();
  // Stands where the migration wants to put something.
  inspect(path, (file) => file.exec("CREATE TABLE destinations (mine TEXT)"));
  const before = inspect(path, schemaOf);
  expect(() => openSqliteCoordination(path)).toThrow(/coordination\.db: .*destinations/);
  expect(inspect(path, versionOf)).toBe(1);
  expect(inspect(path, schemaOf)).toEqual(before);
});
