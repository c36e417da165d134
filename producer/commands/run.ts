import type { Command } from "commander";
import { join } from "node:path";
import type { CommandContext } from "../../shared/command.ts";
import { isWithoutLedger } from "../../shared/deployment/deployed-ledger.ts";
import { SenpuError } from "../../shared/errors.ts";
import { openWorkSession } from "../../shared/session.ts";
import { parseS3Url } from "../../shared/s3/s3-object.ts";
import type { Output } from "../../shared/terminal/output.ts";
import { senpuLine } from "../../shared/terminal/senpu-line.ts";
import { lanesOf } from "../plan/local-lanes.ts";
import type { Plan } from "../plan/plan.ts";
import { readPlan } from "../plan/read.ts";
import { readFromS3 } from "../run/read-again.ts";
import { newRunId } from "../run/run-id.ts";
import { addRunOptions, readHands, readOverrides } from "./run-options.ts";
import { exitCodeOfPublished, showPublished } from "./show-published.ts";
import { exitCodeOf, showFigures, showRun } from "./show-run.ts";

export function configure(command: Command): void {
  addRunOptions(
    command.argument(
      "<plan>",
      "a plan (.yaml .yml .json .jsonl .txt), here or at s3://bucket/key; a module that yields calls (.ts .js); or - for JSON Lines on standard input",
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
  senpu run s3://plans/nightly.yaml              a plan, and its rows, from a bucket
  senpu run calls.ts                             what its default export yields
  senpu run - < calls.jsonl                      a call a line from standard input
  senpu run plan.yaml --env test                 what is deployed makes the calls and records them
  senpu run plan.yaml --no-worker                only publish and record; senpu worker makes the calls
`,
    );
}

/** `senpu run PLAN`: one run from plan to figures. */
export async function run(
  context: CommandContext,
  output: Output = process.stdout,
): Promise<number> {
  const { common, options } = context;
  const [path] = context.args;
  if (path === undefined) throw new SenpuError("usage", "senpu run PLAN: which plan?");
  const run = (options["runId"] as string | undefined) ?? newRunId(new Date());
  const allow = (options["allow"] as string[] | undefined) ?? [];
  const overrides = readOverrides(options);
  const hands = readHands(context);
  const given = await lanesOf(common.deployment);
  const object = parseS3Url(path);
  const spoolDir = join(common.state, "spool");
  const plan =
    object === undefined
      ? await readPlan({ path, spoolDir, runId: run, allow, overrides, given })
      : await readFromS3(object, overrides, given, allow, common.deployment?.region);
  if (isWithoutLedger(common.deployment)) return publishOnly(plan, context, { run, path, output });
  const figures = await showRun(plan, context, {
    run,
    command: "senpu run",
    ...hands,
  });
  await showFigures(figures, context);
  return exitCodeOf(figures);
}

/** Where a deployment has no ledger, nobody can follow a run: it is published, and left to the workers. */
async function publishOnly(
  plan: Plan,
  context: CommandContext,
  { run, path, output }: { readonly run: string; readonly path: string; readonly output: Output },
): Promise<number> {
  const { common } = context;
  const session = await openWorkSession(common);
  try {
    const again = senpuLine(["run", path, "--run-id", run], common);
    return exitCodeOfPublished(await showPublished(plan, context, { session, run, again, output }));
  } finally {
    await session.close();
  }
}
