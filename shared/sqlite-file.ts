import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import type { ErrorCode } from "./errors.ts";
import { adoptSchema, requireSchema } from "./sqlite-migration.ts";
import type { Schema } from "./sqlite-migration.ts";
import { BUSY_TIMEOUT_MS, RESULT, inWords, resultCode } from "./sqlite-words.ts";

export interface SqliteFileOptions {
  readonly path: string;
  /** The port's own code: what its errors are thrown as. */
  readonly code: ErrorCode;
  /** `full`: a commit survives a power cut, at one fsync each; `normal`: it survives the death of the process. */
  readonly durability: "full" | "normal";
  readonly schema: Schema;
  /** Pages of 4,096 bytes past which writes fail as on a full disk. Default: no limit but the disk. */
  readonly maxPageCount?: number;
  /** `read`: nothing is made, migrated or written. Default `write`. */
  readonly access?: "read" | "write";
}

/** Pages (32 MB) after which the write-ahead log goes back into the file; more would make a reader's search slower. */
const CHECKPOINT_PAGES = 8_000;
const CACHE_KIB = 65_536;
/** As `PRAGMA auto_vacuum` tells it. */
const INCREMENTAL = 2;

/**
 * A SQLite file that several processes read and write: opened with the right pragmas, its statements prepared once,
 * its transactions all or nothing, its errors in words that say what to do.
 */
export class SqliteFile {
  readonly #database: DatabaseSync;
  readonly #options: SqliteFileOptions;
  readonly #statements = new Map<string, StatementSync>();

  /** Makes the file if it is missing, unless it is only read. */
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
  const readOnly = options.access === "read";
  const database = new DatabaseSync(options.path, { timeout: BUSY_TIMEOUT_MS, readOnly });
  try {
    if (readOnly) {
      requireSchema(database, options);
      return database;
    }
    // Space can be given back only if that was chosen before the first table. Choosing it writes, and so waits for others.
    if (database.prepare("PRAGMA auto_vacuum").get()?.["auto_vacuum"] !== INCREMENTAL) {
      database.exec("PRAGMA auto_vacuum = INCREMENTAL");
    }
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
