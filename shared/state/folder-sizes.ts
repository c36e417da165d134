import { readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { listCopies } from "./kept-copies.ts";
import type { StateFolder } from "./state-folder.ts";

/** What each part of a state folder takes on the disk, in bytes; a database with its write-ahead log. */
export interface FolderSizes {
  readonly ledger: number;
  readonly coordination: number;
  readonly broker: number;
  readonly spool: number;
  readonly claims: number;
  readonly answers: number;
  /** Of databases, from before they were migrated or repaired. */
  readonly copies: number;
}

export function measureFolder(folder: StateFolder): FolderSizes {
  const { ledgerFile, coordinationFile, brokerData, spool, claims, answers } = folder;
  const copies = listCopies(folder);
  const sizeOfCopies = (within: (path: string) => boolean): number =>
    copies.reduce((sum, { path, bytes }) => sum + (within(path) ? bytes : 0), 0);
  return {
    ledger: sizeOfDatabase(ledgerFile),
    coordination: sizeOfDatabase(coordinationFile),
    broker: sizeOfTree(brokerData) - sizeOfCopies((path) => dirname(path) === brokerData),
    spool: sizeOfTree(spool),
    claims: sizeOfTree(claims),
    answers: sizeOfTree(answers),
    copies: sizeOfCopies(() => true),
  };
}

export function totalSize(sizes: FolderSizes): number {
  return Object.values(sizes).reduce((sum: number, bytes: number) => sum + bytes, 0);
}

/** 0 where there is none. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function sizeOfDatabase(path: string): number {
  return sizeOf(path) + sizeOf(`${path}-wal`) + sizeOf(`${path}-shm`);
}

function sizeOfTree(path: string): number {
  let names: string[];
  try {
    names = readdirSync(path, { recursive: true }) as string[];
  } catch {
    return 0;
  }
  return names.reduce((sum, name) => {
    const found = statSync(join(path, name), { throwIfNoEntry: false });
    return sum + (found?.isFile() ? found.size : 0);
  }, 0);
}
