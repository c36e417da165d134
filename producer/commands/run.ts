import type { Command } from "commander";
import { join } from "node:path";
import type { CommandContext } from "../../shared/command.ts";
import { SenpuError } from "../../shared/errors.ts";
import { readPlan } from "../plan/read.ts";
import { newRunId } from "../run/run-id.ts";
import { readOverrides } from "./run-options.ts";
import { exitCodeOf, showFigures, showRun } from "./show-run.ts";
import { addRunOptions, readWorkers } from "./run-options.ts";

export function configure(command: Command): void {
  addRunOptions(
    command.argument(
      "<plan>",
      "a plan (.yaml .yml .json .jsonl .txt), or - for JSON Lines on standard input",
    ),
  )
    .option("--name <name>", "the run's name; default: the plan's")
    .option(
      "--run-id <id>",
      "the run's id; one that exists goes on with that run, if the plan is the same",
    )
    .addHelpText(
      "after",
      `
Examples:
  senpu run plan.yaml                            all of it in this process
  senpu run plan.yaml --workers 4 --rate 50/s    four worker processes, 50 calls a second in all
  senpu run urls.txt --json | jq .failed         figures for a script
  senpu run - < calls.jsonl                      a call a line from standard input
  senpu run plan.yaml --no-worker                only publish and record; senpu worker makes the calls
`,
    );
}

/** `senpu run PLAN`: one run from plan to figures. */
export async function run(context: CommandContext): Promise<number> {
  const { common, options } = context;
  const [path] = context.args;
  if (path === undefined) throw new SenpuError("usage", "senpu run PLAN: which plan?");
  const run = (options["runId"] as string | undefined) ?? newRunId(new Date());
  const plan = await readPlan({
    path,
    spoolDir: join(common.state, "spool"),
    runId: run,
    allow: (options["allow"] as string[] | undefined) ?? [],
    overrides: readOverrides(options),
  });
  const figures = await showRun(plan, context, {
    run,
    workers: readWorkers(options),
    recorder: options["recorder"] !== false,
  });
  await showFigures(figures, context);
  return exitCodeOf(figures);
}
