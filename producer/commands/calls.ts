import type { Command } from "commander";
import type { CommandContext } from "../../shared/command.ts";
import { EXIT, SenpuError } from "../../shared/errors.ts";
import type { CallRow } from "../../shared/ledger/ledger.ts";
import { wantsColor } from "../../shared/terminal/color.ts";
import { DEFAULT_COLUMNS } from "../../shared/terminal/fit.ts";
import { writeLines } from "../../shared/terminal/output.ts";
import type { Output } from "../../shared/terminal/output.ts";
import { CALL_STATES, addCallFilterOptions, readCallFilter } from "./call-filter.ts";
import { chooseRun } from "./choose-run.ts";
import { readLedger } from "./read-ledger.ts";
import { renderAnswer } from "./render-answer.ts";
import { renderCallLine, renderCallTable } from "./render-calls.ts";

export function configure(command: Command): void {
  command.argument("<run>", "id of a run, or how it begins or ends");
  addCallFilterOptions(command);
  command.option("--answer", "with what was kept of each answer: headers, body, where it is saved");
  command.addHelpText(
    "after",
    `
All filters that are given must hold. On a terminal a table; into a pipe a line a call, tabs between:
id, state, reason, status, attempts, latency in ms, lane, method, URL, error; - for what is not there.
With --answer each call's answer in full, as far as the plan's keep and save have it; --json: as answer.

Examples:
  senpu calls RUN --state failed                   what failed, and why
  senpu calls RUN --reason exhausted --status 5xx  what an API never managed
  senpu calls RUN --state pending | wc -l          how many are still to come
  senpu calls RUN --id a1 --answer                 what came back
  senpu calls RUN --json | jq -r 'select(.latencyMs > 1000).url'
`,
  );
}

/** `senpu calls RUN`: its calls, filtered; read, rendered and written as a stream. */
export async function run(
  context: CommandContext,
  output: Output = process.stdout,
): Promise<number> {
  const { common, options } = context;
  const chosen = readCallFilter(options);
  const filter = options["answer"] === true ? { ...chosen, withAnswers: true as const } : chosen;
  const found = await readLedger(common, async (ledger) => {
    const { id } = await chooseRun(ledger, context.args[0]);
    let count = 0;
    const counted = countRows(ledger.calls(id, filter), () => count++);
    await writeLines(output, renderRows(counted, context, output));
    if (count === 0 && !common.json && !common.quiet) {
      process.stderr.write(`No call of run ${id} passes these filters.\n`);
    }
    return true;
  });
  if (found === undefined) {
    throw new SenpuError(
      "run",
      `there is no run in ${common.state}; --state takes a state folder, or a call's state: ${CALL_STATES.join(", ")}`,
    );
  }
  return EXIT.succeeded;
}

function renderRows(
  rows: AsyncIterable<CallRow>,
  context: CommandContext,
  output: Output,
): AsyncIterable<string> {
  if (context.common.json) return mapRows(rows, (row) => JSON.stringify(row));
  if (context.options["answer"] === true) return mapRows(rows, renderAnswer);
  if (output.isTTY !== true) return mapRows(rows, renderCallLine);
  return renderCallTable(rows, {
    columns: output.columns ?? DEFAULT_COLUMNS,
    color: wantsColor(output, context.options["color"]),
  });
}

async function* mapRows(
  rows: AsyncIterable<CallRow>,
  render: (row: CallRow) => string,
): AsyncGenerator<string> {
  for await (const row of rows) yield render(row);
}

async function* countRows(
  rows: AsyncIterable<CallRow>,
  onRow: () => void,
): AsyncGenerator<CallRow> {
  for await (const row of rows) {
    onRow();
    yield row;
  }
}
