import type { Command } from "commander";
import type { CommandContext } from "../../shared/command.ts";
import { checkResumable } from "../run/begin-run.ts";
import { readAgain } from "../run/read-again.ts";
import { chooseRun, noRunYet } from "./choose-run.ts";
import { readLedger } from "./read-ledger.ts";
import { addRunOptions, readOverrides, readWorkers } from "./run-options.ts";
import { exitCodeOf, showFigures, showRun } from "./show-run.ts";

export function configure(command: Command): void {
  addRunOptions(command.argument("<run>", "the run's id, or how it begins")).addHelpText(
    "after",
    `
Reads the plan on where the run ended, and makes every call that has no outcome. A plan that has
changed since is refused. What was under way when the run died may be made a second time.

Examples:
  senpu resume 20261122t220301-4f2a1c
  senpu resume 20261122 --rate 5/s      more gently than before
`,
  );
}

/** `senpu resume RUN`: the rest of an interrupted run. */
export async function run(context: CommandContext): Promise<number> {
  const { common, options } = context;
  const found = await readLedger(common, async (ledger) => {
    const row = await chooseRun(ledger, context.args[0]);
    return { row, figures: await ledger.figures(row.id, Date.now()) };
  });
  if (found === undefined) throw noRunYet(common.state);
  const { row } = found;
  if (row.state === "settled") {
    process.stderr.write(`Run ${row.id} is settled: nothing of it is left to do.\n`);
    await showFigures(found.figures, context);
    return exitCodeOf(found.figures);
  }
  checkResumable(row, Date.now());
  const plan = await readAgain(row, common.state, readOverrides(options));
  const figures = await showRun(plan, context, {
    run: row.id,
    workers: readWorkers(options),
    recorder: options["recorder"] !== false,
  });
  await showFigures(figures, context);
  return exitCodeOf(figures);
}
