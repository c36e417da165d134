import type { Command } from "commander";
import { resolve } from "node:path";
import { openAnswers } from "../../shared/answers/open.ts";
import type { CommandContext } from "../../shared/command.ts";
import { EXIT, SenpuError } from "../../shared/errors.ts";
import type { RunRow } from "../../shared/ledger/ledger.ts";
import { stateFolderAt } from "../../shared/state/state-folder.ts";
import { writeText } from "../../shared/terminal/output.ts";
import { describeSaved, saveResults } from "../results/save-results.ts";
import type { SavedResults } from "../results/save-results.ts";
import { chooseRun, noRunYet } from "./choose-run.ts";
import { readLedger } from "./read-ledger.ts";

export function configure(command: Command): void {
  command
    .argument("<run>", "the run's id, or how it begins or ends")
    .option("-o, --output <path>", "a file or a folder in place of the one that the plan names")
    .addHelpText(
      "after",
      `
Writes the answers that the run's plan saves, each call once: what senpu run does when the run ends.
For a run whose file could not be written (a full disk), was worked on elsewhere, or goes on still: then
what is there so far. Answers are there until senpu prune forgets their run.

Examples:
  senpu save 4f2a1c
  senpu save 4f2a1c -o /mnt/elsewhere/answers.csv
`,
    );
}

/** `senpu save RUN`: what a run has saved, as a file. */
export async function run(context: CommandContext): Promise<number> {
  const { output } = context.options as { output?: string };
  const row = await readLedger(context.common, (ledger) => chooseRun(ledger, context.args[0]));
  if (row === undefined) throw noRunYet(context.common.state);
  const saved = await saveStored(context, row, output);
  if (saved === undefined) {
    throw new SenpuError(
      "run",
      `run ${row.id} saves no answers: its plan has no save; senpu calls ${row.id} --answer shows what was kept`,
    );
  }
  if (context.common.json) await writeText(process.stdout, `${JSON.stringify(saved)}\n`);
  return EXIT.succeeded;
}

/** Undefined for a run that saves nothing. */
export async function saveStored(
  { common }: CommandContext,
  row: RunRow,
  output?: string,
): Promise<SavedResults | undefined> {
  const answers = openAnswers(stateFolderAt(common.state).answers);
  try {
    const to = output === undefined ? undefined : resolve(output);
    const saved = await readLedger(common, (ledger) =>
      saveResults({ ledger, answers }, row.id, to),
    );
    if (saved !== undefined && !common.quiet) process.stderr.write(`${describeSaved(saved)}\n`);
    return saved;
  } finally {
    await answers.close();
  }
}
