import type { Command } from "commander";
import type { CommandContext } from "../../shared/command.ts";
import { openCoordination } from "../../shared/coordination/open.ts";
import { EXIT, SenpuError } from "../../shared/errors.ts";
import type { Ledger, RunRow } from "../../shared/ledger/ledger.ts";
import { stateAt } from "../../shared/ledger/run-rules.ts";
import type { Figures } from "../../shared/model/figures.ts";
import { openStateFolder } from "../../shared/state/state-folder.ts";
import { describeActor } from "../run/actor.ts";
import { sourceOf } from "../run/begin-run.ts";
import { letGoOn } from "../run/let-go-on.ts";
import { hasLivingOwner } from "../run/owner.ts";
import { readAgain } from "../run/read-again.ts";
import { checkSameSource } from "../run/same-source.ts";
import { chooseRun, noRunYet } from "./choose-run.ts";
import { readLedger } from "./read-ledger.ts";
import { readHands } from "./run-options.ts";
import { exitCodeOf, showFigures, showRun } from "./show-run.ts";

const COMMAND = "senpu unpause";

export function configure(command: Command): void {
  command.argument("<run>", "the run's id, or how it begins or ends").addHelpText(
    "after",
    `
The senpu run that conducts it goes on, with every call that has no outcome; this command ends
once it does. Where that process has ended, this command conducts the rest itself, as
senpu resume does (which takes --workers, --rate and the like). A plan that has changed since
is refused, and the run stays paused.

Examples:
  senpu unpause 20261122t220301-4f2a1c
`,
  );
}

/** `senpu unpause RUN`: lets a paused run go on. */
export async function run(context: CommandContext): Promise<number> {
  const { common } = context;
  const found = await readLedger(
    common,
    async (ledger) => {
      const row = await chooseRun(ledger, context.args[0]);
      checkPaused(row);
      const goesOn = hasLivingOwner(row, Date.now()) && (await ask(ledger, row, context));
      return { row, figures: goesOn ? await ledger.figures(row.id, Date.now()) : undefined };
    },
    "write",
  );
  if (found === undefined) throw noRunYet(common.state);
  if (found.figures !== undefined) {
    await showFigures(found.figures, context);
    return isGoingOn(found.figures) ? EXIT.succeeded : exitCodeOf(found.figures);
  }
  const plan = await readAgain(found.row, common.state, {}, common.deployment);
  const figures = await showRun(plan, context, {
    run: found.row.id,
    command: COMMAND,
    ...readHands(context),
  });
  await showFigures(figures, context);
  return exitCodeOf(figures);
}

function checkPaused(row: RunRow): void {
  if (row.state === "paused") return;
  const state = stateAt(row, Date.now());
  const next =
    state === "interrupted" || state === "stopped"
      ? `; senpu resume ${row.id} goes on with it`
      : "";
  throw new SenpuError("run", `run ${row.id} is ${state}, not paused${next}`);
}

/** False: the process that conducted it has died meanwhile. */
async function ask(ledger: Ledger, row: RunRow, { common }: CommandContext): Promise<boolean> {
  // Its owner looks as well; said here, it is said before anything has changed.
  await checkSameSource(row, sourceOf(row));
  const coordination = await openCoordination(
    () => openStateFolder(common.state).coordinationFile,
    common.deployment,
  );
  try {
    const onWaiting = (): void => {
      if (common.quiet) return;
      process.stderr.write("Waiting until calls in flight have ended and are recorded …\n");
    };
    const by = describeActor(COMMAND);
    return (await letGoOn({ ledger, coordination, row, by, onWaiting })) === "goes on";
  } finally {
    await coordination.close();
  }
}

function isGoingOn({ state }: Figures): boolean {
  return state === "running";
}
