import { existsSync } from "node:fs";
import { COORDINATION_SCHEMA } from "../../shared/coordination/sqlite-schema.ts";
import { environmentVariable } from "../../shared/environment.ts";
import { isLedgerElsewhere } from "../../shared/ledger/open.ts";
import { LEDGER_SCHEMA } from "../../shared/ledger/sqlite-schema.ts";
import { SqliteFile } from "../../shared/sqlite-file.ts";
import type { SqliteFileOptions } from "../../shared/sqlite-file.ts";
import { DatabaseSync } from "node:sqlite";
import { readVersion } from "../../shared/sqlite-migration.ts";
import type { StateFolder } from "../../shared/state/state-folder.ts";

/** A SQLite file of the state folder. */
export type Store = Omit<SqliteFileOptions, "access" | "maxPageCount"> & {
  readonly name: "ledger" | "coordination";
};

/** Undefined where another store is named in its place. */
export function ledgerStore({ ledgerFile }: StateFolder): Store | undefined {
  if (isLedgerElsewhere()) return undefined;
  return {
    name: "ledger",
    path: ledgerFile,
    code: "ledger",
    durability: "full",
    schema: LEDGER_SCHEMA,
  };
}

export function coordinationStore({ coordinationFile }: StateFolder): Store | undefined {
  if (environmentVariable("SENPU_COORDINATION_TABLE")) return undefined;
  return {
    name: "coordination",
    path: coordinationFile,
    code: "coordination",
    durability: "normal",
    schema: COORDINATION_SCHEMA,
  };
}

/** Only reads. Undefined where there is no file, one of another version, or one so damaged that this cannot be read. */
export function readStore<T>(
  store: Store | undefined,
  read: (file: SqliteFile) => T,
): T | undefined {
  try {
    if (store === undefined || versionOf(store.path) !== store.schema.version) return undefined;
    const file = new SqliteFile({ ...store, access: "read" });
    try {
      return file.read(() => read(file));
    } finally {
      file.close();
    }
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

export function versionOf(path: string): number | undefined {
  return existsSync(path) ? lookAt(path, readVersion) : undefined;
}

/** Any SQLite file, as it is; nothing is written. */
export function lookAt<T>(path: string, look: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(path, { readOnly: true, timeout: LOOK_TIMEOUT_MS });
  try {
    return look(database);
  } finally {
    database.close();
  }
}

const LOOK_TIMEOUT_MS = 2_000;

/** What is wrong with its pages, and where `thorough`, its index entries; empty for a sound file. */
export function findDamage(path: string, thorough: boolean): string[] {
  const pragma = thorough ? "integrity_check" : "quick_check";
  try {
    return lookAt(path, (database) =>
      database
        .prepare(`PRAGMA ${pragma}(${DAMAGES_NAMED})`)
        .all()
        .map((row) => String(row[pragma]))
        .filter((line) => line !== "ok"),
    );
  } catch (error) {
    // Not a database, or one whose first page is broken.
    if (isDamage(error)) return [(error as Error).message];
    throw error;
  }
}

const DAMAGES_NAMED = 10;
/** Looking through a larger file takes a second or more. */
export const SLOW_BYTES = 200_000_000;

/** SQLITE_CORRUPT and SQLITE_NOTADB, also put into words. Source: sqlite.org/rescode.html */
export function isDamage(error: unknown): boolean {
  const { errcode, cause } = (error ?? {}) as { errcode?: number; cause?: unknown };
  if (errcode !== undefined) return [11, 26].includes(errcode & 0xff);
  return cause !== undefined && isDamage(cause);
}
