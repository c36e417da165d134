import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { SenpuError, messageOf } from "../errors.ts";

const SQLITE_BUSY = 5;

/**
 * A lock between processes that the kernel releases when its holder dies, however it dies: SQLite's exclusive lock on a
 * file that stays empty. `free` until `tryTake` returns true, then `held` until `release`.
 *
 * The lock is the process's: nothing else in the process that holds it may open or close the file.
 */
export class StateLock {
  /** Does any process hold it? Only looks, so that nobody is ever kept from taking it. */
  static isHeld(path: string): boolean {
    if (!existsSync(path)) return false;
    const database = new DatabaseSync(path, { timeout: 0, readOnly: true });
    try {
      database.prepare("PRAGMA schema_version").get();
      return false;
    } catch (error) {
      if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return true;
      throw error;
    } finally {
      database.close();
    }
  }

  readonly #path: string;
  #database: DatabaseSync | undefined;
  #held = false;

  constructor(path: string) {
    this.#path = path;
  }

  get held(): boolean {
    return this.#held;
  }

  /** Does not wait. False: somebody has it, maybe this process. Throws {@link SenpuError} `state`. */
  tryTake(): boolean {
    if (this.#held) return false;
    try {
      this.#database ??= new DatabaseSync(this.#path, { timeout: 0 });
      this.#database.exec("BEGIN EXCLUSIVE");
      this.#held = true;
      return true;
    } catch (cause) {
      if ((cause as { errcode?: number }).errcode === SQLITE_BUSY) return false;
      throw new SenpuError("state", `${this.#path} cannot be locked: ${messageOf(cause)}`, {
        cause,
      });
    }
  }

  release(): void {
    this.#database?.close();
    this.#database = undefined;
    this.#held = false;
  }
}
