import type { Command } from "commander";
import type { CommandContext } from "../../shared/command.ts";
import { percentage } from "../../shared/document/scalars.ts";
import { SenpuError } from "../../shared/errors.ts";
import { checkResumable } from "../run/begin-run.ts";
import { readAgain } from "../run/read-again.ts";
import { chooseRun, noRunYet } from "./choose-run.ts";
import { readLedger } from "./read-ledger.ts";
import { addRunOptions, readHands, readOverrides } from "./run-options.ts";
import { saveStored } from "./save.ts";
import { exitCodeOf, showFigures, showRun } from "./show-run.ts";

const COMMAND = "senpu resume";

export function configure(command: Command): void {
  addRunOptions(command.argument("<run>", "the run's id, or how it begins or ends"))
    .option("--tolerance <share>", "replaces the plan's: 20%, or off")
    .addHelpText(
      "after",
      `
Reads the plan on where the run ended, and makes every call that has no outcome. A plan that has
changed since is refused. What was under way when the run died may be made a second time.
A run that its tolerance has stopped has that tolerance anew: what failed before counts no more.
A paused run goes on too, unless the senpu run that conducts it lives: then senpu unpause asks it.

Examples:
  senpu resume 20261122t220301-4f2a1c
  senpu resume 20261122 --rate 5/s      more gently than before
  senpu resume 4f2a1c --tolerance 20%   of a run that was stopped by its tolerance
`,
    );
}

/** `senpu resume RUN`: the rest of an interrupted, stopped or paused run. */
export async function run(context: CommandContext): Promise<number> {
  const { common, options } = context;
  const tolerance = readTolerance(options["tolerance"]);
  const found = await readLedger(common, async (ledger) => {
    const row = await chooseRun(ledger, context.args[0]);
    return { row, figures: await ledger.figures(row.id, Date.now()) };
  });
  if (found === undefined) throw noRunYet(common.state);
  const { row } = found;
  if (row.state === "settled") {
    process.stderr.write(`Run ${row.id} is settled: nothing of it is left to do.\n`);
    await saveStored(context, row);
    await showFigures(found.figures, context);
    return exitCodeOf(found.figures);
  }
  checkResumable(row, Date.now());
  const hands = readHands(context);
  const plan = await readAgain(row, common.state, readOverrides(options), common.deployment);
  const figures = await showRun(plan, context, {
    run: row.id,
    command:
      tolerance === undefined ? COMMAND : `${COMMAND} --tolerance ${String(options["tolerance"])}`,
    tolerance,
    ...hands,
  });
  await showFigures(figures, context);
  return exitCodeOf(figures);
}

/** As the plan writes it; null: none. */
function readTolerance(word: unknown): number | null | undefined {
  if (word === undefined) return undefined;
  const text = word as string;
  if (text === "off") return null;
  const share = percentage(0, 100).safeParse(text);
  if (share.success) return share.data;
  throw new SenpuError(
    "usage",
    `--tolerance ${text}: a share from 0% to 100%, such as 20%, or off`,
  );
}
