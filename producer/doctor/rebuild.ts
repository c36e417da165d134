import {
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { sizeOf } from "../../shared/state/folder-sizes.ts";
import { keptName } from "../../shared/state/kept-copies.ts";
import { salvage } from "./salvage.ts";
import type { Salvaged } from "./salvage.ts";
import { isDamage } from "./stores.ts";

export interface Rebuilt {
  /** Where the file lies as it was. */
  readonly kept: string;
  readonly salvaged: readonly Salvaged[];
  /** False: the file was left in its place, as `accept` said. */
  readonly replaced: boolean;
}

export interface RebuildOptions {
  readonly path: string;
  /** Epoch milliseconds, for the name of the copy. */
  readonly now: number;
  /** Makes an empty database with the right tables. */
  readonly makeEmpty: (path: string) => void;
  /** Puts right what was saved; false: not worth taking the file's place. Default: it always is. */
  readonly accept?: (target: DatabaseSync) => boolean;
}

/**
 * Makes a database anew from what can be read of it. The file is kept under another name first, and the new one takes its
 * place whole, in one step: a death leaves the one or the other. Nobody else may have it open.
 */
export function rebuild(options: RebuildOptions): Rebuilt {
  const { path, now, makeEmpty, accept = () => true } = options;
  const kept = keepFile(path, now);
  const draft = `${path}.partial`;
  removeDatabase(draft);
  try {
    makeEmpty(draft);
    const target = new DatabaseSync(draft);
    let salvaged: Salvaged[];
    let accepted: boolean;
    try {
      salvaged = salvageFrom(path, target);
      accepted = accept(target);
      // One file holds all of it then.
      target.exec("PRAGMA journal_mode = DELETE");
    } finally {
      target.close();
    }
    if (!accepted) return { kept, salvaged, replaced: false };
    sync(draft, "r+");
    // First: an old log would be taken for the new file's. The copy has one as well.
    for (const log of ["-wal", "-shm"]) rmSync(`${path}${log}`, { force: true });
    renameSync(draft, path);
    if (process.platform !== "win32") sync(dirname(path), "r");
    return { kept, salvaged, replaced: true };
  } finally {
    removeDatabase(draft);
  }
}

/** Byte for byte, with its log. Returns the copy's path. */
function keepFile(path: string, now: number): string {
  const kept = keptName(path, now);
  copyFileSync(path, kept, constants.COPYFILE_FICLONE);
  sync(kept, "r+");
  if (sizeOf(`${path}-wal`) > 0) copyFileSync(`${path}-wal`, `${kept}-wal`);
  return kept;
}

function salvageFrom(path: string, target: DatabaseSync): Salvaged[] {
  const source = new DatabaseSync(path, { readOnly: true });
  try {
    // Asks for the schema: where that is broken, or this is no database, there is nothing to read.
    source.prepare("SELECT count(*) FROM sqlite_schema").get();
    return salvage(source, target);
  } catch (error) {
    if (isDamage(error)) return [];
    throw error;
  } finally {
    source.close();
  }
}

function removeDatabase(path: string): void {
  for (const end of ["", "-wal", "-shm", "-journal"]) rmSync(`${path}${end}`, { force: true });
}

function sync(path: string, flags: string): void {
  const descriptor = openSync(path, flags);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
