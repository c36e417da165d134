import type { Command } from "commander";
import type { CommandContext } from "../../shared/command.ts";
import { parseDurationMs } from "../../shared/duration.ts";
import { EXIT, SenpuError } from "../../shared/errors.ts";
import type { RunRow } from "../../shared/ledger/ledger.ts";
import { totalSize } from "../../shared/state/folder-sizes.ts";
import type { FolderSizes } from "../../shared/state/folder-sizes.ts";
import { plainLine } from "../../shared/terminal/fit.ts";
import { formatBytes, formatQuantity, formatWhen } from "../../shared/terminal/format.ts";
import { writeLines } from "../../shared/terminal/output.ts";
import type { Output } from "../../shared/terminal/output.ts";
import { pruneState } from "../prune/prune-state.ts";
import type { Pruned } from "../prune/prune-state.ts";
import { readLedger } from "./read-ledger.ts";

const DEFAULT_AGE = "30d";
/** More runs than this are counted, not named. */
const RUNS_NAMED = 20;
/** A smaller file of the broker is not worth a word. */
const BROKER_NAMED_BYTES = 1_000_000;

export function configure(command: Command): void {
  command
    .option("--older-than <age>", "runs created longer ago: 30m, 12h, 30d", DEFAULT_AGE)
    .option("--dry-run", "say what would go, and remove nothing")
    .addHelpText(
      "after",
      `
Runs that are still running stay. Of calls too large for a message, what is kept beside the ledger
goes 18 days after their run was forgotten: until then a letter in a failed queue may still be
replayed. Copies that a migration or a repair has left go by the same age. The files become smaller,
also beside a run, all but the broker's, which waits until no broker runs. Nothing is asked;
--dry-run shows it first.

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
  /** Copies of databases, from before they were migrated or repaired. */
  readonly copies: number;
  /** Messages of lanes past their queue's retention; null where nobody looked: in a dry run, or beside a broker. */
  readonly messages: number | null;
  /** In a dry run of the spool files and copies that would go. */
  readonly freedBytes: number;
  /** On the disk, in bytes, before and after; null where there is no ledger. */
  readonly sizes: { readonly before: FolderSizes; readonly after: FolderSizes } | null;
}

/** `senpu prune`: forgets old runs and what only they need, and gives the space back. */
export async function run(
  context: CommandContext,
  output: Output = process.stdout,
): Promise<number> {
  const { common, options } = context;
  const olderThan = options["olderThan"] as string;
  const before = Date.now() - parseAgeMs(olderThan);
  const dryRun = options["dryRun"] === true;
  const pruned = await readLedger(common, (ledger) =>
    pruneState({ ledger, state: common.state, before, dryRun }),
  );
  if (common.json) {
    const result: PruneResult = {
      olderThan,
      before: new Date(before).toISOString(),
      dryRun,
      runs: pruned?.runs.map((row) => row.id) ?? [],
      spoolFiles: pruned?.spoolFiles ?? 0,
      copies: pruned?.copies ?? 0,
      messages: pruned?.messages ?? null,
      freedBytes: pruned?.freedBytes ?? 0,
      sizes: pruned === undefined ? null : { before: pruned.before, after: pruned.after },
    };
    await writeLines(output, [JSON.stringify(result)]);
    return EXIT.succeeded;
  }
  await writeLines(output, describe(pruned, before, dryRun));
  return EXIT.succeeded;
}

function describe(pruned: Pruned | undefined, before: number, dryRun: boolean): string[] {
  const what = pruned === undefined ? [] : nameParts(pruned);
  if (pruned === undefined || (what.length === 0 && pruned.freedBytes === 0)) {
    return [`Nothing to prune: no run that has ended was created before ${formatWhen(before)}.`];
  }
  const sum =
    what.length === 0
      ? "Nothing was old enough to forget"
      : `${dryRun ? "Would forget" : "Forgot"} ${listWords(what)}`;
  const bytes = dryRun && pruned.freedBytes > 0 ? ` (${formatBytes(pruned.freedBytes)})` : "";
  return [
    ...nameRuns(pruned.runs),
    `${sum}${bytes}.`,
    ...(dryRun ? [] : describeSizes(pruned.before, pruned.after)),
    ...(dryRun || pruned.messages !== undefined || pruned.after.broker < BROKER_NAMED_BYTES
      ? []
      : ["A broker runs, so its file stays as it is: prune again once it has stopped."]),
  ];
}

function nameRuns(runs: readonly RunRow[]): string[] {
  const named = runs
    .slice(0, RUNS_NAMED)
    .map(
      (row) =>
        `  ${row.id}  ${formatWhen(row.createdAt)}  ${plainLine(row.name)}  ${formatQuantity(row.planned, "call")}`,
    );
  if (runs.length > RUNS_NAMED) {
    named.push(`  and ${formatQuantity(runs.length - RUNS_NAMED, "more run", "more runs")}`);
  }
  return named;
}

function nameParts({ runs, spoolFiles, copies, messages = 0 }: Pruned): string[] {
  return [
    ...(runs.length > 0 ? [formatQuantity(runs.length, "run")] : []),
    ...(spoolFiles > 0
      ? [formatQuantity(spoolFiles, "copy of standard input", "copies of standard input")]
      : []),
    ...(copies > 0
      ? [formatQuantity(copies, "old copy of a database", "old copies of databases")]
      : []),
    ...(messages > 0
      ? [
          formatQuantity(
            messages,
            "message past its queue's retention",
            "messages past their queue's retention",
          ),
        ]
      : []),
  ];
}

/** `a`, `a and b`, `a, b and c`. */
function listWords(words: readonly string[]): string {
  return [words.slice(0, -1).join(", "), words.at(-1) ?? ""].filter(Boolean).join(" and ");
}

/** `On disk 24 MB before, 106 kB now: ledger 24 MB to 61 kB.`, with each part that became smaller. */
function describeSizes(before: FolderSizes, after: FolderSizes): string[] {
  const parts = (Object.keys(before) as (keyof FolderSizes)[])
    .filter((part) => after[part] < before[part])
    .map((part) => `${part} ${formatBytes(before[part])} to ${formatBytes(after[part])}`);
  const detail = parts.length === 0 ? "" : `: ${parts.join(", ")}`;
  return [
    `On disk ${formatBytes(totalSize(before))} before, ${formatBytes(totalSize(after))} now${detail}.`,
  ];
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
