import type { Command } from "commander";
import type { CommandContext } from "../../shared/command.ts";
import { EXIT } from "../../shared/errors.ts";
import type { Figures } from "../../shared/model/figures.ts";
import { openStateFolder } from "../../shared/state/state-folder.ts";
import { DEFAULT_COLUMNS } from "../../shared/terminal/fit.ts";
import { writeText } from "../../shared/terminal/output.ts";
import { startDemoApi } from "../demo/demo-api.ts";
import type { DemoCounts } from "../demo/demo-server.ts";
import { PLANNED_FAILURES, explainPlannedFailures, writeDemoPlan } from "../demo/demo-plan.ts";
import { readPlan } from "../plan/read.ts";
import { newRunId } from "../run/run-id.ts";
import { exitCodeOf, showFigures, showRun } from "./show-run.ts";

export function configure(command: Command): void {
  command.addHelpText(
    "after",
    `
Needs nothing: broker, ledger and the API that is called are all started here, on loopback.
Ends with 0 when just the calls failed that were meant to.

Examples:
  senpu demo
  senpu demo --json
`,
  );
}

/** `senpu demo`: what a run is, in ten seconds. */
export async function run(context: CommandContext): Promise<number> {
  const { common } = context;
  const folder = openStateFolder(common.state);
  const api = await startDemoApi();
  let figures: Figures;
  let counts: DemoCounts;
  try {
    const path = writeDemoPlan(folder.path, api.url);
    const run = newRunId(new Date());
    const plan = await readPlan({ path, spoolDir: folder.spool, runId: run });
    if (!common.quiet) {
      process.stderr.write(
        `A weather API of our own listens on ${api.url}; the plan for it is ${path}.\n`,
      );
    }
    figures = await showRun(plan, context, { run, command: "senpu demo" });
    await showFigures(figures, context);
  } finally {
    counts = await api.stop();
  }
  if (!wentAsPlanned(figures)) return exitCodeOf(figures);
  if (!common.json) {
    const columns = process.stdout.columns ?? DEFAULT_COLUMNS;
    await writeText(process.stdout, `\n${explainPlannedFailures(counts.refused, columns)}`);
  }
  return EXIT.succeeded;
}

function wentAsPlanned(figures: Figures): boolean {
  if (figures.state !== "settled" || figures.failed !== PLANNED_FAILURES.length) return false;
  return PLANNED_FAILURES.every(({ reason, status }) =>
    figures.failures.some((group) => group.reason === reason && group.status === status),
  );
}
