import type { Command } from "commander";
import type { CommandContext } from "../../shared/command.ts";
import { EXIT, SenpuError } from "../../shared/errors.ts";
import type { RunRow } from "../../shared/ledger/ledger.ts";
import { openCoordination } from "../../shared/coordination/open.ts";
import { openStateFolder } from "../../shared/state/state-folder.ts";
import { senpuLine } from "../../shared/terminal/senpu-line.ts";
import { describeActor } from "../run/actor.ts";
import { pauseRun } from "../run/pause-run.ts";
import { chooseRun, noRunYet } from "./choose-run.ts";
import { readLedger } from "./read-ledger.ts";
import { showFigures } from "./show-run.ts";

export function configure(command: Command): void {
  command.argument("<run>", "the run's id, or how it begins or ends").addHelpText(
    "after",
    `
Within two seconds no worker starts a call of the run any more; calls in flight finish and are
recorded. Nothing is lost: what has no outcome is made once the run is let go. A senpu run that
conducts it stays, and waits.

Examples:
  senpu pause 20261122t220301-4f2a1c
  senpu unpause 20261122t220301-4f2a1c    let it go on
`,
  );
}

/** `senpu pause RUN`: holds a run, for all workers. */
export async function run(context: CommandContext): Promise<number> {
  const { common } = context;
  const figures = await readLedger(
    common,
    async (ledger) => {
      const row = await chooseRun(ledger, context.args[0]);
      checkPausable(row);
      const coordination = await openCoordination(
        () => openStateFolder(common.state).coordinationFile,
        common.deployment,
      );
      try {
        const state = await pauseRun(
          { ledger, coordination },
          row.id,
          describeActor("senpu pause"),
        );
        if (state !== "paused") checkPausable({ ...row, state });
      } finally {
        await coordination.close();
      }
      if (row.state === "paused") process.stderr.write(`Run ${row.id} was paused already.\n`);
      if (common.json || !process.stdout.isTTY) {
        const line = senpuLine(["unpause", row.id], common);
        process.stderr.write(`Calls in flight finish. To go on: ${line}\n`);
      }
      return ledger.figures(row.id, Date.now());
    },
    "write",
  );
  if (figures === undefined) throw noRunYet(common.state);
  await showFigures(figures, context);
  return EXIT.succeeded;
}

/** A run whose owner is dead may still be worked on by workers of their own. */
function checkPausable({ id, state }: Pick<RunRow, "id" | "state">): void {
  if (state === "running" || state === "paused") return;
  throw new SenpuError(
    "run",
    `run ${id} is ${state}: there is nothing to pause` +
      (state === "settled" || state === "cancelled" ? "" : `; senpu resume ${id} goes on with it`),
  );
}
