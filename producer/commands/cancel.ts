import type { Command } from "commander";
import type { CommandContext } from "../../shared/command.ts";
import { EXIT, SenpuError } from "../../shared/errors.ts";
import { openCoordination } from "../../shared/coordination/open.ts";
import { openStateFolder } from "../../shared/state/state-folder.ts";
import { describeActor } from "../run/actor.ts";
import { chooseRun, noRunYet } from "./choose-run.ts";
import { readLedger } from "./read-ledger.ts";
import { showFigures } from "./show-run.ts";

export function configure(command: Command): void {
  command.argument("<run>", "the run's id, or how it begins or ends").addHelpText(
    "after",
    `
Within two seconds no worker starts a call of the run any more. Calls in flight finish and are
recorded; every call without an outcome is recorded as cancelled. A senpu run that conducts it ends
with 1. A cancelled run cannot be resumed.

Examples:
  senpu cancel 20261122t220301-4f2a1c
`,
  );
}

/** `senpu cancel RUN`: ends a run, for all workers. */
export async function run(context: CommandContext): Promise<number> {
  const { common } = context;
  const figures = await readLedger(common, async (ledger) => {
    const row = await chooseRun(ledger, context.args[0]);
    if (row.state === "settled") {
      throw new SenpuError("run", `run ${row.id} is settled: there is nothing left to cancel`);
    }
    const folder = openStateFolder(common.state);
    const coordination = await openCoordination(() => folder.coordinationFile);
    try {
      // Workers first: whatever dies after this, no further call starts, and cancelling again finishes it.
      await coordination.setControl(row.id, { generation: row.generation, state: "cancelled" });
      await ledger.setState(row.id, "cancelled", describeActor("senpu cancel"), Date.now());
      // Whoever resumed it just before has told workers of a generation of its own.
      const generation = (await ledger.findRun(row.id))?.generation ?? row.generation;
      await coordination.setControl(row.id, { generation, state: "cancelled" });
      await coordination.releaseLanes(row.id);
    } finally {
      await coordination.close();
    }
    return ledger.figures(row.id, Date.now());
  });
  if (figures === undefined) throw noRunYet(common.state);
  await showFigures(figures, context);
  return EXIT.succeeded;
}
