import type { Command } from "commander";
import type { CommandContext } from "../../shared/command.ts";
import { EXIT, messageOf } from "../../shared/errors.ts";
import type { Ledger, RunRow } from "../../shared/ledger/ledger.ts";
import { stateAt } from "../../shared/ledger/run-rules.ts";
import { createPaint, wantsColor } from "../../shared/terminal/color.ts";
import { collectExamples } from "../../shared/terminal/failure-examples.ts";
import { DEFAULT_COLUMNS, cutEnd } from "../../shared/terminal/fit.ts";
import { formatCount, formatQuantity, formatWhen } from "../../shared/terminal/format.ts";
import { writeText } from "../../shared/terminal/output.ts";
import type { Output } from "../../shared/terminal/output.ts";
import { createProgress } from "../../shared/terminal/progress.ts";
import { renderSummary } from "../../shared/terminal/summary.ts";
import { explainState } from "./explain-state.ts";
import { describeHistory, toHistory } from "./history.ts";
import { countStillFailed, readLineage } from "../replay/lineage.ts";
import { chooseRun, noRunYet } from "./choose-run.ts";
import { readLedger } from "./read-ledger.ts";
import { describeLane, readLanes } from "./status-lanes.ts";
import type { LaneStatus } from "./status-lanes.ts";
import { watchRun } from "./watch-run.ts";

export function configure(command: Command): void {
  command
    .argument("[run]", "id of a run, or how it begins or ends; the newest when left out")
    .option("--watch", "follow the run until it ends or stands still")
    .option("--history", "with --json: who did what to the run, as history beside the figures")
    .addHelpText(
      "after",
      `
Examples:
  senpu status                       the newest run
  senpu status 4ef862 --watch        follow the run whose id ends so
  senpu status --json | jq .failed   one figure, for a script
  senpu status RUN --json --history  who paused, resumed or cancelled it, and when
`,
    );
}

/** `senpu status [RUN]`: one run's figures. */
export async function run(
  context: CommandContext,
  output: Output = process.stdout,
): Promise<number> {
  const { common, options } = context;
  const found = await readLedger(common, async (ledger) => {
    const row = await chooseRun(ledger, context.args[0]);
    if (options["watch"] === true) await follow(ledger, row, context);
    const figures = await ledger.figures(row.id, Date.now());
    const now = Date.now();
    const lanes = figures.state === "running" ? await lanesOf(row, context, now) : undefined;
    const events = await ledger.events(row.id);
    if (common.json) {
      const history = options["history"] === true ? toHistory(events, now) : undefined;
      const told = { ...figures, ...(lanes && { lanes }), ...(history && { history }) };
      await writeText(output, `${JSON.stringify(told)}\n`);
      return row;
    }
    const color = wantsColor(output, options["color"]);
    const columns = output.columns ?? DEFAULT_COLUMNS;
    const examples = await collectExamples(ledger, figures);
    // Read anew: it may have been followed until now.
    const why = await explainState(ledger, (await ledger.findRun(row.id)) ?? row);
    const summary = renderSummary(figures, { examples, why, color, columns, where: common });
    const blocks = [
      renderBlock(
        "Lanes",
        (lanes ?? []).flatMap((lane) => describeLane(lane, now)),
        columns,
        color,
      ),
      renderBlock("Lineage", await describeLineage(ledger, row), columns, color),
      renderBlock("What happened", describeHistory(events, now), columns, color),
    ];
    await writeText(output, summary + blocks.join(""));
    return row;
  });
  if (found === undefined) throw noRunYet(common.state);
  return EXIT.succeeded;
}

/** In a deployment, whoever may ask for figures need not be let to coordination: they are told without its lanes. */
async function lanesOf(
  row: RunRow,
  { common }: CommandContext,
  now: number,
): Promise<LaneStatus[] | undefined> {
  try {
    return await readLanes(row, common, now);
  } catch (error) {
    if (common.deployment === undefined) throw error;
    if (!common.quiet) process.stderr.write(`Lanes are not shown: ${messageOf(error)}\n`);
    return undefined;
  }
}

async function follow(ledger: Ledger, row: RunRow, context: CommandContext): Promise<void> {
  const progress = createProgress({
    stream: process.stderr,
    isTty: process.stderr.isTTY,
    color: wantsColor(process.stderr, context.options["color"]),
    quiet: context.common.quiet,
    now: Date.now,
  });
  await watchRun(ledger, row.id, progress, context.common.deployment !== undefined);
}

/** The runs that this one replays, those that replay it, and what is still failed over all of them. */
async function describeLineage(ledger: Ledger, row: RunRow): Promise<string[]> {
  const lines: string[] = [];
  const seen = new Set([row.id]);
  let oldest = row;
  for (let { parent } = row; parent !== null && !seen.has(parent);) {
    seen.add(parent);
    const ancestor = await ledger.findRun(parent);
    lines.push(
      `replays ${ancestor === undefined ? `${parent}, which was pruned` : describeRelative(ancestor)}`,
    );
    oldest = ancestor ?? oldest;
    parent = ancestor?.parent ?? null;
  }
  const lineage = await readLineage(ledger);
  for (const replay of lineage.replaysOf(row.id)) {
    lines.push(`replayed by ${describeRelative(replay)}`);
  }
  // What is left of the first run's failures once its replays are counted in.
  if (lineage.replaysOf(oldest.id).length > 0) {
    const failed = await countStillFailed(ledger, lineage, oldest.id);
    lines.push(
      `over all of them: ${formatCount(failed)} of ${formatQuantity(oldest.planned, "call")} still failed`,
    );
  }
  return lines;
}

function describeRelative(row: RunRow): string {
  const failed = `${formatCount(row.failed)} of ${formatQuantity(row.planned, "call")} failed`;
  return `${row.id} (${formatWhen(row.createdAt)}): ${stateAt(row, Date.now())}, ${failed}`;
}

function renderBlock(
  title: string,
  lines: readonly string[],
  columns: number,
  color: boolean,
): string {
  if (lines.length === 0) return "";
  const paint = createPaint(color);
  return `\n${paint.bold(title)}\n${lines.map((line) => `  ${cutEnd(line, columns - 2)}\n`).join("")}`;
}
