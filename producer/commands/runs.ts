import type { Command } from "commander";
import type { CommandContext } from "../../shared/command.ts";
import { EXIT } from "../../shared/errors.ts";
import type { RunRow } from "../../shared/ledger/ledger.ts";
import { elapsedMs, stateAt } from "../../shared/ledger/run-rules.ts";
import type { RunState } from "../../shared/model/figures.ts";
import { createPaint, wantsColor } from "../../shared/terminal/color.ts";
import type { Paint } from "../../shared/terminal/color.ts";
import { DEFAULT_COLUMNS, plainLine } from "../../shared/terminal/fit.ts";
import { formatCount, formatDuration, formatWhen } from "../../shared/terminal/format.ts";
import { writeLines } from "../../shared/terminal/output.ts";
import type { Output } from "../../shared/terminal/output.ts";
import { renderTable } from "../../shared/terminal/table.ts";
import { parseLimit } from "./call-filter.ts";
import { readLedger } from "./read-ledger.ts";

const DEFAULT_LIMIT = "20";

export function configure(command: Command): void {
  command.option("--limit <n>", "at most so many, the newest first", DEFAULT_LIMIT).addHelpText(
    "after",
    `
Examples:
  senpu runs                                     the newest runs
  senpu runs --json | jq -r 'select(.state == "interrupted").run'
`,
  );
}

/** `senpu runs`: what ran. */
export async function run(
  context: CommandContext,
  output: Output = process.stdout,
): Promise<number> {
  const limit = parseLimit(context.options["limit"] as string);
  const rows = (await readLedger(context.common, (ledger) => ledger.listRuns(limit))) ?? [];
  const now = Date.now();
  if (context.common.json) {
    await writeLines(
      output,
      rows.map((row) => JSON.stringify(describeRun(row, now))),
    );
  } else if (rows.length === 0) {
    await writeLines(output, [
      context.common.deployment === undefined
        ? "No runs yet. `npx senpu demo` makes one, `npx senpu run plan.yaml` another."
        : `No runs yet in ${context.common.env}. \`npx senpu run plan.yaml --env ${context.common.env}\` makes one.`,
    ]);
  } else {
    const paint = createPaint(wantsColor(output, context.options["color"]));
    await writeLines(output, renderRuns(rows, now, output.columns ?? DEFAULT_COLUMNS, paint));
  }
  return EXIT.succeeded;
}

/** A line of `senpu runs --json`. */
export interface RunLine {
  readonly run: string;
  readonly name: string;
  readonly state: RunState;
  readonly parent: string | null;
  readonly planned: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly pending: number;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly elapsedMs: number;
}

function describeRun(row: RunRow, now: number): RunLine {
  return {
    run: row.id,
    name: row.name,
    state: stateAt(row, now),
    parent: row.parent,
    planned: row.planned,
    succeeded: row.succeeded,
    failed: row.failed,
    cancelled: row.cancelled,
    pending: row.planned - row.succeeded - row.failed - row.cancelled,
    createdAt: new Date(row.createdAt).toISOString(),
    elapsedMs: elapsedMs(row, now),
  };
}

function renderRuns(rows: readonly RunRow[], now: number, columns: number, paint: Paint): string[] {
  const [head, ...lines] = renderTable(
    [
      // The id is what one copies, so it is never cut.
      { title: "RUN" },
      { title: "NAME", cut: "end" },
      { title: "STATE", paint: (cell, state) => paintState(paint, state)(cell) },
      { title: "PLANNED", align: "right" },
      {
        title: "FAILED",
        align: "right",
        paint: (cell, text) => (text === "0" ? cell : paint.red(cell)),
      },
      { title: "STARTED", optional: true },
      { title: "TOOK", align: "right", optional: true },
    ],
    rows.map((row) => [
      row.id,
      plainLine(row.name),
      stateAt(row, now),
      formatCount(row.planned),
      formatCount(row.failed),
      formatWhen(row.createdAt),
      formatDuration(elapsedMs(row, now)),
    ]),
    columns,
  );
  return [paint.dim(head), ...lines];
}

function paintState(paint: Paint, state: string): (text: string) => string {
  if (state === "settled") return paint.green;
  return state === "running" || state === "paused" ? paint.yellow : paint.red;
}
