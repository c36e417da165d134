import type { Command } from "commander";
import type { CommandContext } from "../../shared/command.ts";
import { isWithoutLedger } from "../../shared/deployment/deployed-ledger.ts";
import type { Deployment } from "../../shared/deployment/deployment.ts";
import { EXIT, SenpuError } from "../../shared/errors.ts";
import { openCoordination } from "../../shared/coordination/open.ts";
import { openStateFolder } from "../../shared/state/state-folder.ts";
import { writeText } from "../../shared/terminal/output.ts";
import type { Output } from "../../shared/terminal/output.ts";
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
export async function run(
  context: CommandContext,
  output: Output = process.stdout,
): Promise<number> {
  const { common } = context;
  if (isWithoutLedger(common.deployment)) {
    return cancelUnrecorded(context, common.deployment, output);
  }
  const figures = await readLedger(
    common,
    async (ledger) => {
      const row = await chooseRun(ledger, context.args[0]);
      if (row.state === "settled") {
        throw new SenpuError("run", `run ${row.id} is settled: there is nothing left to cancel`);
      }
      const coordination = await openCoordination(
        () => openStateFolder(common.state).coordinationFile,
        common.deployment,
      );
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
    },
    "write",
  );
  if (figures === undefined) throw noRunYet(common.state);
  await showFigures(figures, context);
  return EXIT.succeeded;
}

/** Where a deployment has no ledger, coordination alone knows of the run, by its whole id, and workers go by that. */
async function cancelUnrecorded(
  { args, common }: CommandContext,
  deployment: Deployment,
  output: Output,
): Promise<number> {
  const [run = ""] = args;
  const coordination = await openCoordination(() => "", deployment);
  try {
    const control = await coordination.control(run);
    if (control === undefined) {
      throw new SenpuError(
        "run",
        `environment ${deployment.name} knows no run "${run}"; it has no ledger, so give the whole id`,
      );
    }
    await coordination.setControl(run, { ...control, state: "cancelled" });
    await coordination.releaseLanes(run);
  } finally {
    await coordination.close();
  }
  const text = common.json
    ? JSON.stringify({ run, state: "cancelled" })
    : `Run ${run} is cancelled: within two seconds no worker starts a call of it any more.`;
  await writeText(output, `${text}\n`);
  return EXIT.succeeded;
}
