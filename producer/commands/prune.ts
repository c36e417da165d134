import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import type { CommandContext } from "../../shared/command.ts";
import { parseDurationMs } from "../../shared/duration.ts";
import { EXIT, SenpuError } from "../../shared/errors.ts";
import { HEARTBEAT_DEAD_MS } from "../../shared/ledger/ledger.ts";
import type { Ledger, RunRow } from "../../shared/ledger/ledger.ts";
import { CLAIM_KEPT_MS } from "../../shared/claims/claim-store.ts";
import { openClaims } from "../../shared/claims/open.ts";
import { compactData } from "../../shared/broker/fauxqs-data.ts";
import { openCoordination } from "../../shared/coordination/open.ts";
import { openStateFolder } from "../../shared/state/state-folder.ts";
import type { StateFolder } from "../../shared/state/state-folder.ts";
import { StateLock } from "../../shared/state/state-lock.ts";
import { plainLine } from "../../shared/terminal/fit.ts";
import { formatBytes, formatQuantity, formatWhen } from "../../shared/terminal/format.ts";
import { writeLines } from "../../shared/terminal/output.ts";
import type { Output } from "../../shared/terminal/output.ts";
import { readLedger } from "./read-ledger.ts";

const DEFAULT_AGE = "30d";
const RUNS_LOOKED_AT = 1_000_000;
/** More runs than this are counted, not named. */
const RUNS_NAMED = 20;

export function configure(command: Command): void {
  command
    .option("--older-than <age>", "runs created longer ago: 30m, 12h, 30d", DEFAULT_AGE)
    .option("--dry-run", "say what would go, and remove nothing")
    .addHelpText(
      "after",
      `
Runs that are still running stay. Of calls too large for a message, what is kept beside the ledger goes 18 days after
their run was forgotten: until then a letter in a failed queue may still be replayed. Nothing is asked; --dry-run shows it first.

Examples:
  senpu prune                              forget runs older than 30 days
  senpu prune --older-than 7d --dry-run    what a week's limit would remove
`,
    );
}

/** What `senpu prune --json` prints. */
export interface PruneResult {
  readonly olderThan: string;
  /** ISO 8601, UTC: runs created before this. */
  readonly before: string;
  readonly dryRun: boolean;
  readonly runs: readonly string[];
  readonly spoolFiles: number;
  /** Of the spool files, and of the ledger's and the broker's files where they became smaller. */
  readonly freedBytes: number;
}

/** `senpu prune`: forgets old runs and the copies of standard input that only they need. */
export async function run(
  context: CommandContext,
  output: Output = process.stdout,
): Promise<number> {
  const { common, options } = context;
  const olderThan = options["olderThan"] as string;
  const before = Date.now() - parseAgeMs(olderThan);
  const dryRun = options["dryRun"] === true;
  const pruned = await readLedger(common, (ledger) =>
    pruneState(ledger, common.state, before, dryRun),
  );
  const runs = pruned?.runs ?? [];
  if (common.json) {
    const result: PruneResult = {
      olderThan,
      before: new Date(before).toISOString(),
      dryRun,
      runs: runs.map((row) => row.id),
      spoolFiles: pruned?.spoolFiles ?? 0,
      freedBytes: pruned?.freedBytes ?? 0,
    };
    await writeLines(output, [JSON.stringify(result)]);
    return EXIT.succeeded;
  }
  await writeLines(output, describe(runs, pruned, before, dryRun));
  return EXIT.succeeded;
}

interface Pruned {
  readonly runs: readonly RunRow[];
  readonly spoolFiles: number;
  readonly freedBytes: number;
}

/** What the ledger does not hold: marks and controls of old runs, and the broker's file, unless a broker runs on it. */
async function pruneStores(folder: StateFolder, before: number): Promise<number> {
  const coordination = await openCoordination(() => folder.coordinationFile);
  try {
    await coordination.prune(before);
  } finally {
    await coordination.close();
  }
  const lock = new StateLock(folder.lockFile);
  try {
    return lock.tryTake() ? compactData(folder.brokerData) : 0;
  } finally {
    lock.release();
  }
}

async function pruneState(
  ledger: Ledger,
  state: string,
  before: number,
  dryRun: boolean,
): Promise<Pruned> {
  const folder = openStateFolder(state);
  const sizeBefore = sizeOf(folder.ledgerFile);
  const all = await ledger.listRuns(RUNS_LOOKED_AT);
  const doomed = all.filter((row) => isPruned(row, before)).map((row) => row.id);
  if (!dryRun) await forgetClaims(folder, doomed);
  const ids = new Set(dryRun ? doomed : await ledger.prune(before));
  const kept = new Set(all.map((row) => row.id).filter((id) => !ids.has(id)));
  const spool = findSpoolFiles(folder.spool, kept, ids, before);
  const spoolBytes = spool.reduce((sum, path) => sum + sizeOf(path), 0);
  // After the ledger: a death in between leaves files of no run, which the next prune finds by their age.
  if (!dryRun) for (const path of spool) rmSync(path, { force: true });
  if (!dryRun) await pruneClaims(folder, kept);
  const brokerBytes = dryRun ? 0 : await pruneStores(folder, before);
  const ledgerBytes = dryRun ? 0 : Math.max(0, sizeBefore - sizeOf(folder.ledgerFile));
  return {
    runs: all.filter((row) => ids.has(row.id)),
    spoolFiles: spool.length,
    freedBytes: spoolBytes + ledgerBytes + brokerBytes,
  };
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

/** Of runs that earlier prunes forgot, so long ago that no letter can need them. */
async function pruneClaims(folder: StateFolder, kept: ReadonlySet<string>): Promise<void> {
  const claims = openClaims(folder.claims);
  try {
    await claims.prune(Date.now() - CLAIM_KEPT_MS, kept);
  } finally {
    await claims.close();
  }
}

/** The ledger's own rule, for a dry run. */
function isPruned(row: RunRow, before: number): boolean {
  return (
    row.createdAt < before && (row.state !== "running" || row.beatAt < before - HEARTBEAT_DEAD_MS)
  );
}

/** `<run>.*` of runs that go, and old files of no run at all: a run that is about to begin has a young one. */
function findSpoolFiles(
  spool: string,
  kept: ReadonlySet<string>,
  gone: ReadonlySet<string>,
  before: number,
): string[] {
  if (!existsSync(spool)) return [];
  return readdirSync(spool)
    .filter((name) => {
      const owners = possibleOwners(name);
      if (owners.some((id) => kept.has(id))) return false;
      return owners.some((id) => gone.has(id)) || statSync(join(spool, name)).mtimeMs < before;
    })
    .map((name) => join(spool, name));
}

/** A run's id may hold dots itself. */
function possibleOwners(name: string): string[] {
  const parts = name.split(".");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("."));
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function describe(
  runs: readonly RunRow[],
  pruned: Pruned | undefined,
  before: number,
  dryRun: boolean,
): string[] {
  if (runs.length === 0 && (pruned === undefined || pruned.spoolFiles === 0)) {
    return [`Nothing to prune: no run that has ended was created before ${formatWhen(before)}.`];
  }
  const named = runs
    .slice(0, RUNS_NAMED)
    .map(
      (row) =>
        `  ${row.id}  ${formatWhen(row.createdAt)}  ${plainLine(row.name)}  ${formatQuantity(row.planned, "call")}`,
    );
  if (runs.length > RUNS_NAMED) {
    named.push(`  and ${formatQuantity(runs.length - RUNS_NAMED, "more run", "more runs")}`);
  }
  const files = pruned?.spoolFiles ?? 0;
  const parts = [formatQuantity(runs.length, "run")];
  if (files > 0) {
    parts.push(formatQuantity(files, "copy of standard input", "copies of standard input"));
  }
  const bytes = (pruned?.freedBytes ?? 0) > 0 ? ` (${formatBytes(pruned?.freedBytes ?? 0)})` : "";
  return [...named, `${dryRun ? "Would forget" : "Forgot"} ${parts.join(" and ")}${bytes}.`];
}

function parseAgeMs(text: string): number {
  const ageMs = parseDurationMs(text);
  if (ageMs === undefined) {
    throw new SenpuError(
      "usage",
      `--older-than ${text}: give a number and a unit, such as 30m, 12h or 30d`,
    );
  }
  return ageMs;
}
