import type { Command } from "commander";
import { existsSync } from "node:fs";
import type { CommandContext } from "../../shared/command.ts";
import { isWithoutLedger } from "../../shared/deployment/deployed-ledger.ts";
import { EXIT, SenpuError } from "../../shared/errors.ts";
import type { Ledger } from "../../shared/ledger/ledger.ts";
import type { Session } from "../../shared/session.ts";
import { DEFAULT_COLUMNS } from "../../shared/terminal/fit.ts";
import { writeLines } from "../../shared/terminal/output.ts";
import { senpuLine } from "../../shared/terminal/senpu-line.ts";
import type { Output } from "../../shared/terminal/output.ts";
import { checkAllow } from "../plan/read.ts";
import { parseAssignment } from "../replay/assignment.ts";
import { chooseReplay } from "../replay/prepare.ts";
import { beginRun } from "../run/begin-run.ts";
import { ownName } from "../run/owner.ts";
import { readyReplay } from "../replay/replay.ts";
import type { ReadyReplay } from "../replay/replay.ts";
import type { ReplayRequest } from "../replay/request.ts";
import { addCallFilterOptions, readCallFilter } from "./call-filter.ts";
import { chooseRun, noRunYet } from "./choose-run.ts";
import { reading, worksHere } from "./reading.ts";
import { describeSelection, previewReplay, renderPreview } from "./render-replay.ts";
import { openReplaySession } from "./replay-session.ts";
import { addRunOptions, gather, readHands, readOverrides } from "./run-options.ts";
import { exitCodeOfPublished, showPublished } from "./show-published.ts";
import { exitCodeOf, showFigures, showRun } from "./show-run.ts";

export function configure(command: Command): void {
  addCallFilterOptions(command.argument("[run]", "the run's id, or how it begins or ends"));
  addRunOptions(command)
    .option("--dry-run", "say what would be made, by cause, and the first ten; changes nothing")
    .option(
      "--set <field=value>",
      "change every chosen call: url, method, timeout, body, headers.NAME, json or json.PATH; repeatable",
      gather,
      [],
    )
    .option(
      "--edit",
      "open the chosen calls as JSON Lines in $EDITOR first; a deleted line leaves its call alone",
    )
    .option("--name <name>", "the replay's name; default: that of the run")
    .option("--run-id <id>", "the replay's id; one that exists goes on with that replay")
    .addHelpText(
      "after",
      `
Failed calls are made again as a new run, which names the run it replays. Their letters in the lane's
failed queue are deleted once the new run is stored and all of it published. Begun again after a crash,
by the same command or by senpu resume, it goes on with the same run. A call that has succeeded since
is not made again. With --lane and no run, the letters of all runs that lie there; the new run's parent
is the one that most of them come from, and calls of the others are named ID@RUN.
A call whose result nobody saw (unknown, abandoned, no answer) keeps its Idempotency-Key; others get a new one.
Timeout, retries and headers stay what they were; the deadline counts anew.
Exit code 2 where nothing passes the filters or nothing is left to replay; else as senpu run.

Examples:
  senpu replay RUN --dry-run                        what would be made
  senpu replay RUN --status 503 --rate 20/s         what was refused, more gently
  senpu replay RUN --status 401 --set 'headers.authorization=Bearer \${env:TOKEN}'
  senpu replay --lane crm --reason exhausted --edit
`,
    );
}

/** `senpu replay RUN | --lane LANE`: failed calls made again, as a new run. */
export async function run(
  context: CommandContext,
  output: Output = process.stdout,
): Promise<number> {
  const { common, options } = context;
  const hands = readHands(context);
  if (worksHere(common) && !existsSync(common.state)) throw noRunYet(common.state);
  const session = await openReplaySession(common);
  try {
    const request = await readRequest(session.ledger, context);
    if (options["dryRun"] === true) return await preview(session, request, context, output);
    return await makeAgain(session, request, context, { hands, output });
  } finally {
    await session.close();
  }
}

async function readRequest(
  ledger: Pick<Ledger, "findRun" | "listRuns">,
  { args, options, common }: CommandContext,
): Promise<ReplayRequest> {
  const { state, ...filter } = readCallFilter(options);
  if (state !== undefined && state !== "failed") {
    throw new SenpuError(
      "usage",
      `--state ${state}: a replay makes failed calls; leave --state out`,
    );
  }
  const [given] = args;
  if (given === undefined && filter.lane === undefined) {
    throw new SenpuError(
      "usage",
      "senpu replay RUN, or senpu replay --lane LANE: what is to be made again?",
    );
  }
  if (options["edit"] === true && options["dryRun"] === true) {
    throw new SenpuError("usage", "--edit and --dry-run exclude each other; keep one");
  }
  return {
    // Without a ledger a run is known by its letters alone: its id has to be given in full.
    of:
      given === undefined || isWithoutLedger(common.deployment)
        ? given
        : await nameRun(ledger, given),
    filter,
    assignments: (options["set"] as string[]).map(parseAssignment),
    edit: options["edit"] === true,
    allow: (options["allow"] as string[]).map(checkAllow),
    overrides: readOverrides(options),
  };
}

/** A run that no ledger knows may still have left letters: then its id has to be given in full. */
async function nameRun(
  ledger: Pick<Ledger, "findRun" | "listRuns">,
  given: string,
): Promise<string> {
  const runs = await ledger.listRuns(1);
  if (runs.length === 0) return given;
  return (await chooseRun(ledger, given)).id;
}

async function preview(
  session: Session,
  request: ReplayRequest,
  context: CommandContext,
  output: Output,
): Promise<number> {
  const { common } = context;
  const { calls, selection, parent, hold } = await reading(context, (watch) =>
    chooseReplay({ session, request, dryRun: true, ...watch }),
  );
  await hold.release();
  const found = previewReplay(parent, calls, selection);
  await writeLines(
    output,
    common.json ? [JSON.stringify(found)] : renderPreview(found, output.columns ?? DEFAULT_COLUMNS),
  );
  return EXIT.succeeded;
}

async function makeAgain(
  session: Session,
  request: ReplayRequest,
  context: CommandContext,
  { hands, output }: { readonly hands: ReturnType<typeof readHands>; readonly output: Output },
): Promise<number> {
  const { common, options } = context;
  const ready = await reading(context, (watch) =>
    readyReplay({ session, request, run: options["runId"] as string | undefined, ...watch }),
  );
  const { plan, run, parent, selection } = ready;
  try {
    const lines =
      selection === undefined
        ? [`Going on with replay ${run}, which was begun before.`]
        : describeSelection(selection);
    if (!common.quiet) for (const line of lines) process.stderr.write(`${line}\n`);
    if (isWithoutLedger(common.deployment)) {
      return await publishAgain(session, ready, context, output);
    }
    const command = "senpu replay";
    const figures = await showRun(plan, context, { session, run, parent, command, ...hands });
    await showFigures(figures, context);
    return exitCodeOf(figures);
  } finally {
    // Letters that a broken broker cannot hand back come back by themselves.
    await ready.close().catch(() => {});
  }
}

/**
 * Where a deployment has no ledger: the replay is noted on this machine, published, its letters deleted, and noted as
 * over. After a death the same again goes on from there.
 */
async function publishAgain(
  session: Session,
  { plan, run, parent }: ReadyReplay,
  context: CommandContext,
  output: Output,
): Promise<number> {
  const { ledger } = session;
  if ((await ledger.findRun(run)) === undefined) await beginRun(session, plan, run, parent);
  await ledger.beat(run, Date.now(), ownName());
  const words = ["replay", ...context.args.flatMap((word) => word ?? []), "--run-id", run];
  const again = `${senpuLine(words, context.common)} with the same filters`;
  const published = await showPublished(plan, context, { session, run, again, output });
  if (published?.state.startsWith("published") === true) {
    // Of its calls nothing is recorded here, so that it is complete without any.
    await ledger.record([{ kind: "closed", run, generation: 1, planned: 0 }], Date.now());
  } else if (published !== undefined) {
    await ledger.setState(run, "cancelled", "senpu replay", Date.now());
  }
  return exitCodeOfPublished(published);
}
