import { rmSync } from "node:fs";
import { compactData } from "../../shared/broker/fauxqs-data.ts";
import { removeExpired } from "../../shared/broker/fauxqs-retention.ts";
import { openAnswers } from "../../shared/answers/open.ts";
import { CLAIM_KEPT_MS } from "../../shared/claims/claim-store.ts";
import { openClaims } from "../../shared/claims/open.ts";
import { canName } from "../../shared/model/claim.ts";
import { openCoordination } from "../../shared/coordination/open.ts";
import { HEARTBEAT_DEAD_MS } from "../../shared/ledger/ledger.ts";
import type { Ledger, RunRow } from "../../shared/ledger/ledger.ts";
import { measureFolder, sizeOf, totalSize } from "../../shared/state/folder-sizes.ts";
import type { FolderSizes } from "../../shared/state/folder-sizes.ts";
import { keepStill } from "../../shared/state/keep-still.ts";
import { listCopies } from "../../shared/state/kept-copies.ts";
import { openStateFolder } from "../../shared/state/state-folder.ts";
import type { StateFolder } from "../../shared/state/state-folder.ts";
import { findSpoolFiles } from "./spool-files.ts";

/**
 * In: a state folder, and before when what is in it is old. Out: what went, or in a dry run would go. Runs first, then
 * what only they need: a death in between leaves what the next prune finds by its age.
 */
export interface PruneRequest {
  readonly ledger: Ledger;
  readonly state: string;
  /** Epoch milliseconds. */
  readonly before: number;
  readonly dryRun: boolean;
}

export interface Pruned {
  readonly runs: readonly RunRow[];
  readonly spoolFiles: number;
  /** Copies of databases, from before they were migrated or repaired. */
  readonly copies: number;
  /** Messages past their queue's retention. Undefined: a broker runs, or in a dry run nobody looked. */
  readonly messages: number | undefined;
  readonly before: FolderSizes;
  readonly after: FolderSizes;
  /** In a dry run of the files that would go; a database tells only once it has become smaller. */
  readonly freedBytes: number;
}

const RUNS_LOOKED_AT = 1_000_000;

export async function pruneState({ ledger, state, before, dryRun }: PruneRequest): Promise<Pruned> {
  const folder = openStateFolder(state);
  const sizes = measureFolder(folder);
  const all = await ledger.listRuns(RUNS_LOOKED_AT);
  const doomed = all.filter((row) => isPruned(row, before)).map((row) => row.id);
  if (!dryRun) {
    await forgetClaims(folder, doomed);
    await removeAnswers(folder, doomed);
  }
  const ids = new Set(dryRun ? doomed : await ledger.prune(before));
  const kept = new Set(all.map((row) => row.id).filter((id) => !ids.has(id)));
  const spool = findSpoolFiles(folder.spool, kept, ids, before);
  const copies = listCopies(folder).filter(({ madeAt }) => madeAt < before);
  const files = [...spool, ...copies.map(({ path }) => path)];
  const fileBytes = files.reduce((sum, path) => sum + sizeOf(path), 0);
  let messages: number | undefined;
  if (!dryRun) {
    for (const path of files) rmSync(path, { force: true });
    await pruneClaims(folder, kept);
    await pruneCoordination(folder, before);
    messages = pruneBroker(folder, before);
  }
  const after = measureFolder(folder);
  return {
    runs: all.filter((row) => ids.has(row.id)),
    spoolFiles: spool.length,
    copies: copies.length,
    messages,
    before: sizes,
    after,
    freedBytes: dryRun ? fileBytes : Math.max(0, totalSize(sizes) - totalSize(after)),
  };
}

/** The ledger's own rule, for a dry run. */
function isPruned(row: RunRow, before: number): boolean {
  const mayLive = row.state === "running" || row.state === "paused";
  return row.createdAt < before && (!mayLive || row.beatAt < before - HEARTBEAT_DEAD_MS);
}

/** Before the ledger forgets them: a death in between marks runs that the next prune forgets all the same. */
async function forgetClaims(folder: StateFolder, runs: readonly string[]): Promise<void> {
  const claims = openClaims(folder.claims);
  try {
    await claims.forget(runs, Date.now());
  } finally {
    await claims.close();
  }
}

/** Before the ledger forgets who has some: a death in between leaves runs that the next prune forgets all the same. */
async function removeAnswers(folder: StateFolder, runs: readonly string[]): Promise<void> {
  const answers = openAnswers(folder.answers);
  try {
    for (const run of runs.filter(canName)) await answers.removeRun(run);
  } finally {
    await answers.close();
  }
}

/** Of runs that earlier prunes forgot, so long ago that no letter can need them. */
async function pruneClaims(folder: StateFolder, kept: ReadonlySet<string>): Promise<void> {
  const claims = openClaims(folder.claims);
  try {
    await claims.prune(Date.now() - CLAIM_KEPT_MS, kept);
  } finally {
    await claims.close();
  }
}

/** Marks, controls and claims of lanes of old runs. */
async function pruneCoordination(folder: StateFolder, before: number): Promise<void> {
  const coordination = await openCoordination(() => folder.coordinationFile);
  try {
    await coordination.prune(before);
  } finally {
    await coordination.close();
  }
}

/** Undefined where a broker runs: its file is rewritten as a whole, which it would have to wait for. */
function pruneBroker(folder: StateFolder, before: number): number | undefined {
  const stillness = keepStill(folder);
  if (stillness === undefined) return undefined;
  try {
    const messages = removeExpired(folder.brokerData, before, Date.now());
    compactData(folder.brokerData);
    return messages;
  } finally {
    stillness.release();
  }
}
