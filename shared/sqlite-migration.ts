import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { SenpuError, messageOf } from "./errors.ts";
import type { ErrorCode } from "./errors.ts";
import { BUSY_TIMEOUT_MS } from "./sqlite-words.ts";
import { formatBytes } from "./terminal/format.ts";

/**
 * How a file comes to the schema that this senpu knows. One of an older version is copied as it is
 * (`ledger-v1.db` beside `ledger.db`), then changed, in one transaction: whenever the process dies, the file is the old
 * one or the new one, and beside the new one lies the copy.
 */
export interface Schema {
  /** Stands in the file's `user_version`. */
  readonly version: number;
  /** Makes an empty file one of this version. */
  readonly create: string;
  /** Each makes a file of one version one of the next, from version 1 on. Default: there is no older version. */
  readonly migrations?: readonly string[];
}

export interface SchemaOptions {
  readonly path: string;
  readonly code: ErrorCode;
  readonly schema: Schema;
}

/** How long an opener waits for another that migrates: a large file is copied meanwhile. */
const MIGRATION_WAIT_MS = 600_000;
/** The copy of a larger file takes a while, which is said before. */
const LARGE_BYTES = 100_000_000;

/** Makes the file one of this version. Throws for one of a newer version. */
export function adoptSchema(database: DatabaseSync, options: SchemaOptions): void {
  const { schema } = options;
  if (readVersion(database) < schema.version) {
    // Holds off whoever opens or writes it meanwhile; readers go on.
    database.exec(`PRAGMA busy_timeout = ${MIGRATION_WAIT_MS}; BEGIN IMMEDIATE`);
    // Another process may have brought it here while this one waited.
    const found = readVersion(database);
    if (found > 0 && found < schema.version) migrate(database, found, options);
    else if (found === 0) database.exec(`${schema.create}; ${markOf(schema.version)}; COMMIT`);
    else database.exec("COMMIT");
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  }
  refuseNewer(readVersion(database), options);
}

/** For a file that is only read. Throws where its version is not this one. */
export function requireSchema(database: DatabaseSync, options: SchemaOptions): void {
  const { path, code, schema } = options;
  const found = readVersion(database);
  refuseNewer(found, options);
  if (found < schema.version) {
    throw new SenpuError(
      code,
      `${path} is of version ${found}; it becomes one of version ${schema.version} when a command next writes to it`,
    );
  }
}

/** 0: an empty file. */
export function readVersion(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
}

/** `ledger-v1.db`: where the file as it was in that version is kept. */
export function copyName(path: string, version: number): string {
  return join(dirname(path), `${basename(path, ".db")}-v${version}.db`);
}

function refuseNewer(found: number, { path, code, schema }: SchemaOptions): void {
  if (found <= schema.version) return;
  throw new SenpuError(
    code,
    `${path} was written by a newer senpu (schema ${found}; this one reads up to ${schema.version}): update senpu, or choose another --state folder`,
  );
}

/** Within the transaction, which it ends. */
function migrate(
  database: DatabaseSync,
  from: number,
  { path, code, schema }: SchemaOptions,
): void {
  const { version, migrations = [] } = schema;
  const name = basename(path);
  const { size } = statSync(path);
  if (size >= LARGE_BYTES) {
    tell(`${name} is of version ${from}: copying its ${formatBytes(size)}, then migrating it`);
  }
  const copy = copyName(path, from);
  try {
    keepCopy(path, copy);
  } catch (cause) {
    throw new SenpuError(
      code,
      `${path} is of version ${from}, and before it is migrated ${copy} is to be made of it, which failed (${messageOf(cause)}): nothing was changed; make room for its ${formatBytes(size)} and try again`,
      { cause },
    );
  }
  try {
    for (let step = from; step < version; step++) database.exec(`${migrations[step - 1]}`);
    database.exec(`${markOf(version)}; COMMIT`);
  } catch (error) {
    rmSync(copy, { force: true });
    throw error;
  }
  tell(`${name} migrated from version ${from} to ${version}; the old one is kept as ${copy}`);
}

/**
 * The file as it was last committed, on the disk when this returns, under its name only once it is whole. One that an
 * earlier try left is replaced.
 */
function keepCopy(path: string, copy: string): void {
  const partial = `${copy}.partial`;
  rmSync(partial, { force: true });
  try {
    // A connection of its own, since the other is within its transaction, which has changed nothing yet.
    const reader = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, readOnly: true });
    try {
      reader.prepare("VACUUM INTO ?").run(partial);
    } finally {
      reader.close();
    }
    sync(partial, "r+");
    renameSync(partial, copy);
    // So that the new name survives a loss of power. Windows has no such call, and needs none.
    if (process.platform !== "win32") sync(dirname(copy), "r");
  } finally {
    rmSync(partial, { force: true });
  }
}

function sync(path: string, flags: string): void {
  const descriptor = openSync(path, flags);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function markOf(version: number): string {
  return `PRAGMA user_version = ${version}`;
}

function tell(line: string): void {
  process.stderr.write(`senpu: ${line}\n`);
}
