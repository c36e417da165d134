import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import { SenpuError, messageOf } from "./errors.ts";
import type { ErrorCode } from "./errors.ts";

export interface SqliteFileOptions {
  readonly path: string;
  /** The port's own code: what its errors are thrown as. */
  readonly code: ErrorCode;
  /** `full`: a commit survives a power cut, at one fsync each; `normal`: it survives the death of the process. */
  readonly durability: "full" | "normal";
  readonly schema: Schema;
  /** Pages of 4,096 bytes past which writes fail as on a full disk. Default: no limit but the disk. */
  readonly maxPageCount?: number;
}

export interface Schema {
  /** Stands in the file's `user_version`. */
  readonly version: number;
  /** Makes an empty file one of this version. */
  readonly create: string;
  /** Each makes a file of one version one of the next, from version 1 on. Default: there is no older version. */
  readonly migrations?: readonly string[];
}

/** How long a statement waits for another process's transaction. */
const BUSY_TIMEOUT_MS = 10_000;
/** Pages (32 MB) after which the write-ahead log goes back into the file; more would make a reader's search slower. */
const CHECKPOINT_PAGES = 8_000;
const CACHE_KIB = 65_536;

/**
 * A SQLite file that several processes read and write: opened with the right pragmas, its statements prepared once,
 * its transactions all or nothing, its errors in words that say what to do.
 */
export class SqliteFile {
  readonly #database: DatabaseSync;
  readonly #options: SqliteFileOptions;
  readonly #statements = new Map<string, StatementSync>();

  /** Makes the file if it is missing. */
  constructor(options: SqliteFileOptions) {
    this.#options = options;
    this.#database = this.#translate(() => open(options));
  }

  /** The prepared statement of this text, kept until the file is closed. */
  prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  read<T>(work: () => T): T {
    return this.#translate(work);
  }

  /** Several reads that see the file at one moment. */
  snapshot<T>(work: () => T): T {
    return this.#transact("BEGIN", work);
  }

  /** All of it or nothing; starts as a writer, so that what it reads stays true until it commits. */
  write<T>(work: () => T): T {
    return this.#transact("BEGIN IMMEDIATE", work);
  }

  /** For what may not run within a transaction. */
  execute(sql: string): void {
    this.#translate(() => {
      this.#database.exec(sql);
    });
  }

  defineFunction(name: string, compute: (value: string) => string): void {
    this.#database.function(name, { deterministic: true }, (value) => compute(String(value)));
  }

  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#translate(() => this.#database.close());
  }

  #transact<T>(begin: string, work: () => T): T {
    return this.#translate(() => {
      this.#database.exec(begin);
      try {
        const result = work();
        this.#database.exec("COMMIT");
        return result;
      } catch (error) {
        // SQLite itself has rolled back after some errors, such as a full disk.
        if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
        throw error;
      }
    });
  }

  #translate<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw inWords(error, this.#options);
    }
  }
}

function open(options: SqliteFileOptions): DatabaseSync {
  const database = new DatabaseSync(options.path, { timeout: BUSY_TIMEOUT_MS });
  try {
    // Space can be given back only if that was chosen before the first table.
    database.exec("PRAGMA auto_vacuum = INCREMENTAL");
    enterWal(database);
    database.exec(`
      PRAGMA synchronous = ${options.durability};
      PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
      PRAGMA cache_size = -${CACHE_KIB};
      PRAGMA temp_store = MEMORY;
    `);
    if (options.maxPageCount !== undefined) {
      database.exec(`PRAGMA max_page_count = ${options.maxPageCount}`);
    }
    adoptSchema(database, options);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** SQLite does not wait when two processes change a new file's mode at once, so this does. */
function enterWal(database: DatabaseSync): void {
  const pauseMs = 10;
  const bell = new Int32Array(new SharedArrayBuffer(4));
  for (let waitedMs = 0; ; waitedMs += pauseMs) {
    try {
      database.exec("PRAGMA journal_mode = WAL");
      return;
    } catch (error) {
      if (resultCode(error) !== RESULT.busy || waitedMs >= BUSY_TIMEOUT_MS) throw error;
      Atomics.wait(bell, 0, 0, pauseMs);
    }
  }
}

function adoptSchema(database: DatabaseSync, { schema, path, code }: SqliteFileOptions): void {
  const readVersion = (): number =>
    Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (readVersion() < schema.version) {
    database.exec("BEGIN IMMEDIATE");
    // Another process may have brought it here while this one waited.
    for (let version = readVersion(); version < schema.version; version = readVersion()) {
      database.exec(stepFrom(version, schema));
    }
    database.exec("COMMIT");
  }
  const found = readVersion();
  if (found > schema.version) {
    throw new SenpuError(
      code,
      `${path} was written by a newer senpu (schema ${found}; this one reads up to ${schema.version}): update senpu, or choose another --state folder`,
    );
  }
}

/** All at once, or nothing where the process dies within it: the version changes in the same transaction. */
function stepFrom(version: number, { create, migrations = [], version: newest }: Schema): string {
  return version === 0
    ? `${create}; PRAGMA user_version = ${newest}`
    : `${migrations[version - 1]}; PRAGMA user_version = ${version + 1}`;
}

/** Primary result codes. Source: sqlite.org/rescode.html */
const RESULT = {
  busy: 5,
  locked: 6,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
} as const;

function resultCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown }).errcode;
  // The low byte is the primary code; the rest says more of it.
  return typeof code === "number" ? code & 0xff : undefined;
}

function inWords(error: unknown, { path, code }: SqliteFileOptions): unknown {
  if (error instanceof SenpuError) return error;
  const say = (text: string): SenpuError =>
    new SenpuError(code, `${path}: ${text}`, { cause: error });
  if ((error as { code?: unknown }).code === "ERR_INVALID_STATE") return say("is closed");
  switch (resultCode(error)) {
    case undefined:
      return error;
    case RESULT.full:
      return say("no space left, and nothing of this step was stored; free some, then go on");
    case RESULT.busy:
    case RESULT.locked:
      return say(
        `another process has kept it locked for ${BUSY_TIMEOUT_MS / 1000} s; end it, or try again`,
      );
    case RESULT.corrupt:
    case RESULT.notADatabase:
      return say(
        "is damaged, or not a database of senpu; move it away (with its -wal and -shm) to begin anew",
      );
    case RESULT.readOnly:
    case RESULT.cannotOpen:
      return say(
        `cannot be opened for writing (${messageOf(error)}); check the folder and its rights`,
      );
    case RESULT.ioError:
      return say(`the disk failed (${messageOf(error)}), and nothing of this step was stored`);
    default:
      return say(messageOf(error));
  }
}
