import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { DATABASE_FILE } from "../../shared/broker/fauxqs-data.ts";
import { lookAt } from "./stores.ts";

/**
 * The embedded broker's file bears no version. It makes the tables that are missing and expects the others to be as it
 * would make them; so a file of another fauxqs is told from this one's by its columns.
 */

/** Columns by table. */
export type Layout = ReadonlyMap<string, readonly string[]>;

export function layoutOf(database: DatabaseSync): Layout {
  const tables = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .all()
    .map((row) => String(row["name"]));
  const columns = database.prepare("SELECT name FROM pragma_table_info(?)");
  return new Map(
    tables.map((table) => [table, columns.all(table).map((row) => String(row["name"]))]),
  );
}

/** Columns that this fauxqs reads or writes, and the file's tables do not have; empty where it will start on it. */
export function findMissingColumns(file: Layout, own: Layout): string[] {
  return [...own].flatMap(([table, columns]) => {
    const found = file.get(table);
    if (found === undefined) return [];
    return columns.filter((column) => !found.includes(column)).map((name) => `${table}.${name}`);
  });
}

/** The layout that the installed fauxqs makes; undefined where it has no such part any more. */
export async function ownLayout(): Promise<Layout | undefined> {
  return makeEmpty((path) => lookAt(path, layoutOf));
}

/** Lets the installed fauxqs make an empty file, for `use` to read or take; undefined where it cannot. */
export async function makeEmpty<T>(use: (path: string) => T): Promise<T | undefined> {
  const PersistenceManager = await loadPersistence();
  if (PersistenceManager === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "senpu-doctor-"));
  try {
    new PersistenceManager(folder).close();
    return use(join(folder, DATABASE_FILE));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Persistence = new (dataDir: string) => { close(): void };

/** A part inside the package, which a later one may not have. */
async function loadPersistence(): Promise<Persistence | undefined> {
  try {
    const url = new URL("./persistence.js", import.meta.resolve("fauxqs"));
    const module = (await import(url.href)) as { readonly PersistenceManager?: Persistence };
    return module.PersistenceManager;
  } catch {
    return undefined;
  }
}

/** Of the installed fauxqs; in the image, where it has no package of its own, that is not known. */
export function brokerVersion(): string {
  try {
    const manifest = new URL("../package.json", import.meta.resolve("fauxqs"));
    return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
  } catch {
    return "of this image";
  }
}
