import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { SenpuError } from "../../shared/errors.ts";
import { keepStill } from "../../shared/state/keep-still.ts";
import type { Stillness } from "../../shared/state/keep-still.ts";
import type { StateFolder } from "../../shared/state/state-folder.ts";
import { holdersOf, nameHolders } from "./holders.ts";
import { isDamage } from "./stores.ts";

const SQLITE_BUSY = 5;

/**
 * Has the folder for this process alone: no broker runs and none is started, and nobody has its databases open. Their
 * write-ahead logs are then folded in. Throws SenpuError `state` with who is there.
 */
export function takeAlone(folder: StateFolder): Stillness {
  const { path, lockFile, ledgerFile, coordinationFile } = folder;
  const stillness = keepStill(folder);
  const busy =
    stillness === undefined
      ? lockFile
      : [ledgerFile, coordinationFile].find((file) => existsSync(file) && !foldLog(file));
  if (stillness !== undefined && busy === undefined) return stillness;
  stillness?.release();
  const files = [
    lockFile,
    ...[ledgerFile, coordinationFile].flatMap((file) => [file, `${file}-shm`]),
  ];
  const holders = nameHolders(holdersOf(files)) ?? "another process";
  throw new SenpuError(
    "state",
    `${holders} works in ${path}, and a repair could hurt it: stop every run, worker, recorder and broker there, then repair`,
  );
}

/** False where another process has the file open: only its one user may take it out of the mode that needs a log. */
function foldLog(path: string): boolean {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec("PRAGMA journal_mode = DELETE");
    return true;
  } catch (error) {
    if (((error as { errcode?: number }).errcode ?? 0) % 256 === SQLITE_BUSY) return false;
    // Nobody can work with it.
    if (isDamage(error)) return true;
    throw error;
  } finally {
    database.close();
  }
}
