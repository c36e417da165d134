import type { CommandContext } from "../../shared/command.ts";
import { EXIT, SenpuError } from "../../shared/errors.ts";
import type { Ledger } from "../../shared/ledger/ledger.ts";
import type { Figures } from "../../shared/model/figures.ts";
import { wantsColor } from "../../shared/terminal/color.ts";
import { collectExamples } from "../../shared/terminal/failure-examples.ts";
import { DEFAULT_COLUMNS } from "../../shared/terminal/fit.ts";
import { toLaneProgress } from "../../shared/terminal/lane-progress.ts";
import { writeText } from "../../shared/terminal/output.ts";
import { createProgress } from "../../shared/terminal/progress.ts";
import { senpuLine } from "../../shared/terminal/senpu-line.ts";
import { renderSummary } from "../../shared/terminal/summary.ts";
import { holdToDeployment } from "../plan/hold-to-deployment.ts";
import type { Plan } from "../plan/plan.ts";
import { describeActor } from "../run/actor.ts";
import { runPlan } from "../run/run-plan.ts";
import type { RunPlanOptions } from "../run/run-plan.ts";
import { describeSaved } from "../results/save-results.ts";
import { explainState } from "./explain-state.ts";
import { readLedger } from "./read-ledger.ts";

export type ShowOptions = Pick<
  RunPlanOptions,
  "run" | "parent" | "workers" | "recorder" | "session" | "tolerance"
> & {
  /** As the person gave it, for the run's history: `senpu resume`. */
  readonly command: string;
};

/** Of a deployment's ledger: who conducts runs may ask its function that writes, and need not be let to the other. */
const ACCESS = "write";

/**
 * Runs a plan for somebody who watches: progress on stderr, the summary or JSON on stdout, Ctrl-C as they expect it.
 * Returns the figures; `exitCodeOf` makes an exit code of them.
 */
export async function showRun(
  given: Plan,
  context: CommandContext,
  options: ShowOptions,
): Promise<Figures> {
  const { common } = context;
  const { deployment } = common;
  const plan = deployment === undefined ? given : holdToDeployment(given, deployment);
  const progress = createProgress({
    stream: process.stderr,
    isTty: process.stderr.isTTY,
    color: wantsColor(process.stderr, context.options["color"]),
    quiet: common.quiet,
    now: () => performance.now(),
  });
  const resumeLine = senpuLine(["resume", options.run], common);
  const unpauseLine = senpuLine(["unpause", options.run], common);
  const interrupt = new AbortController();
  const onSignal = (): void => {
    if (interrupt.signal.aborted) {
      progress.end();
      process.stderr.write(`Stopped at once. To go on: ${resumeLine}\n`);
      process.exit(EXIT.interrupted);
    }
    interrupt.abort();
    progress.say("Stopping: calls in flight finish. Ctrl-C again does not wait for them.");
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  const startedAt = performance.now();
  let note: string | undefined;
  let heldBefore: string | undefined;
  try {
    const { command, ...runOptions } = options;
    const figures = await runPlan(plan, context.sides, {
      ...runOptions,
      state: common.state,
      endpointUrl: common.endpointUrl,
      deployment,
      by: describeActor(command),
      signal: interrupt.signal,
      onSaved: (saved) => {
        if (!common.quiet) progress.say(describeSaved(saved));
      },
      onNote: (text) => {
        if (text !== undefined && text !== note) progress.say(`${text} …`);
        note = text;
      },
      onLook: ({ row, lanes, planned, heldBy }) => {
        const held = heldBy && `paused by ${heldBy}; ${unpauseLine} lets it go on`;
        if (held !== heldBefore) progress.say(held ?? "Going on.");
        heldBefore = held;
        const notes = held ?? note;
        const settled = row.succeeded + row.failed + row.cancelled;
        const soFar = Math.max(row.planned, planned);
        progress.update({
          name: plan.name,
          run: row.id,
          elapsedMs: performance.now() - startedAt,
          planned: row.closedPlanned ?? plan.knownCalls ?? soFar,
          plannedIsFinal: row.closedPlanned !== null || plan.knownCalls !== null,
          succeeded: row.succeeded,
          failed: row.failed,
          pending: (row.closedPlanned ?? plan.knownCalls ?? soFar) - settled,
          lanes: lanes.map((lane) => toLaneProgress(lane, Date.now())),
          ...(notes === undefined ? {} : { note: notes }),
        });
      },
    });
    progress.end();
    // On a terminal the summary says so.
    if (figures.state === "interrupted" && (common.json || !process.stdout.isTTY)) {
      process.stderr.write(`Interrupted, the state is kept. To go on: ${resumeLine}\n`);
    } else if (common.json) await sayWhy(options.run, context);
    return figures;
  } catch (error) {
    progress.end();
    if (await isKept(error, options.run, context)) {
      process.stderr.write(`The state is kept. To go on: ${resumeLine}\n`);
    }
    throw error;
  } finally {
    progress.end();
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

/** With `--json` the figures say what the run came into, and this why. */
async function sayWhy(run: string, { common }: CommandContext): Promise<void> {
  const why = await readLedger(common, (ledger) => readWhy(ledger, run), ACCESS);
  if (why !== undefined) process.stderr.write(`${why}\n`);
}

async function readWhy(ledger: Ledger, run: string): Promise<string | undefined> {
  const row = await ledger.findRun(run);
  return row && explainState(ledger, row);
}

/** There is something to resume: the run is stored, and what is wrong is not the command line. */
async function isKept(error: unknown, run: string, { common }: CommandContext): Promise<boolean> {
  if (error instanceof SenpuError && error.exitCode === EXIT.usage) return false;
  try {
    return (await readLedger(common, (ledger) => ledger.findRun(run), ACCESS)) !== undefined;
  } catch {
    return false;
  }
}

/** The end of a run, on stdout. */
export async function showFigures(figures: Figures, context: CommandContext): Promise<void> {
  const { common } = context;
  if (common.json) {
    await writeText(process.stdout, `${JSON.stringify(figures)}\n`);
    return;
  }
  const tell = async (ledger: Ledger) => ({
    examples: await collectExamples(ledger, figures),
    why: await readWhy(ledger, figures.run),
  });
  const told = await readLedger(common, tell, ACCESS);
  const summary = renderSummary(figures, {
    examples: told?.examples ?? [],
    why: told?.why,
    color: wantsColor(process.stdout, context.options["color"]),
    columns: process.stdout.columns ?? DEFAULT_COLUMNS,
    where: common,
  });
  await writeText(process.stdout, summary);
}

/** A run that was taken up and is still paused was interrupted before it had begun again. */
export function exitCodeOf(figures: Figures): number {
  if (figures.state === "interrupted" || figures.state === "paused") return EXIT.interrupted;
  return figures.state === "settled" && figures.failed === 0 ? EXIT.succeeded : EXIT.failedCalls;
}
