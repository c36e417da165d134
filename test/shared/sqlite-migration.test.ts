import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { openSqliteCoordination } from "../../shared/coordination/sqlite-coordination.ts";
import { SqliteFile } from "../../shared/sqlite-file.ts";
import type { Schema } from "../../shared/sqlite-migration.ts";
import { temporaryFolder } from "./broker/embedded.ts";

const VERSION_1: Schema = { version: 1, create: "CREATE TABLE notes (text TEXT) STRICT" };
const VERSION_3: Schema = {
  version: 3,
  create: "CREATE TABLE notes (text TEXT, at INTEGER, author TEXT) STRICT",
  migrations: [
    "ALTER TABLE notes ADD COLUMN at INTEGER",
    "ALTER TABLE notes ADD COLUMN author TEXT",
  ],
};

function open(path: string, schema: Schema): SqliteFile {
  const file = new SqliteFile({ path, code: "ledger", durability: "full", schema });
  onTestFinished(() => file.close());
  return file;
}

function fileOfVersion1(): string {
  const path = join(temporaryFolder(), "ledger.db");
  const file = open(path, VERSION_1);
  file.write(() => file.prepare("INSERT INTO notes (text) VALUES (?)").run("first"));
  return path;
}

function look(path: string): { version: unknown; rows: unknown[] } {
  const database = new DatabaseSync(path);
  try {
    return {
      version: database.prepare("PRAGMA user_version").get()?.["user_version"],
      rows: database.prepare("SELECT * FROM notes").all(),
    };
  } finally {
    database.close();
  }
}

test("an old file is kept as it was, over however many versions it goes", () => {
  const path = fileOfVersion1();
  open(path, VERSION_3);
  expect(look(path)).toEqual({ version: 3, rows: [{ text: "first", at: null, author: null }] });
  const copy = join(dirname(path), "ledger-v1.db");
  expect(look(copy)).toEqual({ version: 1, rows: [{ text: "first" }] });
  const still = open(copy, VERSION_1);
  still.write(() => still.prepare("INSERT INTO notes (text) VALUES ('second')").run());
  expect(look(copy).rows).toHaveLength(2);
});

test("a new file, and one that is of this version, leave no copy", () => {
  const path = join(temporaryFolder(), "ledger.db");
  open(path, VERSION_3);
  open(path, VERSION_3);
  expect(readdirSync(dirname(path)).filter((name) => name.includes("-v"))).toEqual([]);
});

test("what another connection has written and not yet brought into the file is in the copy", () => {
  const path = fileOfVersion1();
  const other = open(path, VERSION_1);
  other.write(() => other.prepare("INSERT INTO notes (text) VALUES ('in the log')").run());
  open(path, VERSION_3);
  expect(look(join(dirname(path), "ledger-v1.db")).rows).toHaveLength(2);
});

test("a migration that fails leaves the old file as it was, and no copy", () => {
  const path = fileOfVersion1();
  const failing: Schema = { ...VERSION_3, migrations: ["SELECT broken FROM nowhere", ""] };
  expect(() => open(path, failing)).toThrow(/ledger\.db: .*nowhere/);
  expect(look(path)).toEqual({ version: 1, rows: [{ text: "first" }] });
  expect(existsSync(join(dirname(path), "ledger-v1.db"))).toBe(false);
});

test("where the copy cannot be made, nothing is migrated, and that is said", () => {
  const path = fileOfVersion1();
  // A folder that lies where the copy should.
  mkdirSync(join(dirname(path), "ledger-v1.db"));
  expect(() => open(path, VERSION_3)).toThrow(
    /ledger\.db is of version 1, and before it is migrated .*ledger-v1\.db is to be made of it, which failed \(.*\): nothing was changed; make room for its .* and try again/,
  );
  expect(look(path)).toEqual({ version: 1, rows: [{ text: "first" }] });
});

test("only read, an old file is left as it is, and a newer one refused", () => {
  const path = fileOfVersion1();
  const read = (schema: Schema): unknown =>
    new SqliteFile({ path, code: "ledger", durability: "full", schema, access: "read" });
  expect(() => read(VERSION_3)).toThrow(/is of version 1; it becomes one of version 3 when/);
  open(path, VERSION_3);
  expect(() => read(VERSION_1)).toThrow(/was written by a newer senpu \(schema 3; .* up to 1\)/);
  expect(look(path).version).toBe(3);
});

const CHILD = fileURLToPath(new URL("die-migrating.ts", import.meta.url));

function oldCoordination(): string {
  const path = join(temporaryFolder(), "coordination.db");
  const kept = new URL("coordination/coordination-1.db.gz", import.meta.url);
  writeFileSync(path, gunzipSync(readFileSync(kept)));
  return path;
}

async function openInProcess(path: string, moment: string) {
  const child = spawn(process.execPath, [CHILD, path, moment], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { code, signal, stderr };
}

function coordinationState(path: string): { version: unknown; claims: unknown } {
  const database = new DatabaseSync(path);
  try {
    return {
      version: database.prepare("PRAGMA user_version").get()?.["user_version"],
      claims: database.prepare("SELECT count(*) AS n FROM claims").get()?.["n"],
    };
  } finally {
    database.close();
  }
}

const OLD = { version: 1, claims: 2 };
const NEW = { version: 2, claims: 2 };

test.each([
  ["before the copy", OLD, false],
  ["before the copy has its name", OLD, false],
  ["after the copy has its name", OLD, true],
  ["after the first step", OLD, true],
  ["before the commit", OLD, true],
  ["after the commit", NEW, true],
] as const)(
  "K3: a death %s leaves the old file or the new one, and the next opening the new one and a copy",
  async (moment, left, hasCopy) => {
    const path = oldCoordination();
    const copy = join(dirname(path), "coordination-v1.db");
    expect(await openInProcess(path, moment)).toMatchObject({ signal: "SIGKILL" });
    expect(existsSync(copy)).toBe(hasCopy);
    // Reading the log as SQLite does after any death.
    expect(coordinationState(path)).toEqual(left);
    await openSqliteCoordination(path).close();
    expect(coordinationState(path)).toEqual(NEW);
    expect(coordinationState(copy)).toEqual(OLD);
    expect(readdirSync(dirname(path)).toSorted()).toEqual([
      "coordination-v1.db",
      "coordination.db",
    ]);
  },
);

test("two processes that open an old file at once migrate it once, and one tells so", async () => {
  const path = oldCoordination();
  const both = await Promise.all([openInProcess(path, "none"), openInProcess(path, "none")]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  const told = both.map(({ stderr }) => stderr).join("");
  const copy = join(dirname(path), "coordination-v1.db");
  expect(told).toBe(
    `senpu: ${basename(path)} migrated from version 1 to 2; the old one is kept as ${copy}\n`,
  );
  expect(coordinationState(copy)).toEqual(OLD);
});
