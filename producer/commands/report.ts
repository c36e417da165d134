import type { Command } from "commander";
import { extname } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import type { CommandContext } from "../../shared/command.ts";
import { EXIT, SenpuError } from "../../shared/errors.ts";
import type { CallRow, Ledger, RunRow } from "../../shared/ledger/ledger.ts";
import { formatBytes } from "../../shared/terminal/format.ts";
import { writeLines, writeText } from "../../shared/terminal/output.ts";
import type { Output } from "../../shared/terminal/output.ts";
import { collectReport } from "../report/collect.ts";
import { renderCsv } from "../report/render-csv.ts";
import { renderHtml } from "../report/render-html.ts";
import { renderMarkdown } from "../report/render-markdown.ts";
import type { ReportData } from "../report/report-data.ts";
import { writeWhole } from "../report/write-whole.ts";
import { chooseRun, noRunYet } from "./choose-run.ts";
import { explainState } from "./explain-state.ts";
import { toHistory } from "./history.ts";
import { readLedger } from "./read-ledger.ts";
import { reading } from "./reading.ts";
import type { Watch } from "./reading.ts";

const FORMATS = ["html", "md", "csv", "json"] as const;
type Format = (typeof FORMATS)[number];

export function configure(command: Command): void {
  command
    .argument("[run]", "id of a run, or how it begins or ends; the newest when left out")
    .option("-o, --output <file>", "where to; one that is there is replaced; - is stdout")
    .option("--format <format>", `${FORMATS.join(", ")}; default: as the file is named, else html`)
    .addHelpText(
      "after",
      `
html: one page that stands for itself and asks nobody for anything: figures, plots, failures by cause.
md: a few lines for a chat message. json: the data of the page. csv: the run's calls, a line a call.
A run that is not over can be reported too; the page says so. Credentials in the queries of URLs are
masked, in every format. Without -o to stdout, but for a page on a terminal.

Examples:
  senpu report RUN -o report.html                  the page
  senpu report RUN --format md                     to paste into a chat
  senpu report RUN --json | jq '.lanes[].mostInFlight'
  senpu report RUN -o calls.csv                    for a spreadsheet
`,
    );
}

/** `senpu report [RUN]`: what a run came to, to be handed on. */
export async function run(
  context: CommandContext,
  output: Output = process.stdout,
): Promise<number> {
  const { common } = context;
  const target = readTarget(context, output);
  const exitCode = await readLedger(common, async (ledger) => {
    const row = await chooseRun(ledger, context.args[0]);
    return reading(context, (watch) => make(ledger, row, target, watch, context, output), "calls");
  });
  if (exitCode === undefined) throw noRunYet(common.state);
  return exitCode;
}

interface Target {
  readonly format: Format;
  /** Undefined: stdout. */
  readonly path: string | undefined;
}

function readTarget({ options, common }: CommandContext, output: Output): Target {
  const given = options["output"] as string | undefined;
  const path = given === "-" ? undefined : given;
  if (path === "") throw new SenpuError("usage", "-o: name a file, or - for stdout");
  const format = readFormat(options["format"] as string | undefined, path, common.json);
  if (format === "html" && given === undefined && output.isTTY === true) {
    throw new SenpuError(
      "usage",
      "a page is not for a terminal; name a file (-o report.html), or another format (--format md)",
    );
  }
  return { format, path };
}

function readFormat(given: string | undefined, path: string | undefined, json: boolean): Format {
  if (given === undefined) {
    if (json) return "json";
    const ending = path === undefined ? "" : extname(path).slice(1).toLowerCase();
    return FORMATS.find((each) => each === ending) ?? "html";
  }
  const format = FORMATS.find((each) => each === given.toLowerCase());
  if (format === undefined) {
    throw new SenpuError("usage", `--format ${given}: give one of ${FORMATS.join(", ")}`);
  }
  if (json && format !== "json") {
    throw new SenpuError("usage", `--json and --format ${format}: give one of them`);
  }
  return format;
}

async function make(
  ledger: Ledger,
  row: RunRow,
  { format, path }: Target,
  watch: Watch,
  context: CommandContext,
  output: Output,
): Promise<number> {
  const isWanted = (): boolean => !watch.signal.aborted;
  if (format === "csv") {
    const lines = renderCsv(watched(ledger.calls(row.id, {}), row.planned, watch));
    if (path === undefined) await writeLines(output, lines);
    else await writeWhole(path, batched(lines), isWanted);
  } else {
    const data = await collect(ledger, row, watch, context);
    if (!isWanted()) return EXIT.interrupted;
    const text = RENDER[format](data);
    if (path === undefined) await writeText(output, text);
    else await writeWhole(path, [text], isWanted);
    if (path !== undefined && !context.common.quiet) {
      process.stderr.write(`${path}: ${formatBytes(Buffer.byteLength(text))}\n`);
    }
  }
  return isWanted() ? EXIT.succeeded : EXIT.interrupted;
}

const RENDER: Readonly<Record<Exclude<Format, "csv">, (data: ReportData) => string>> = {
  html: renderHtml,
  md: renderMarkdown,
  json: (data) => `${JSON.stringify(data)}\n`,
};

async function collect(
  ledger: Ledger,
  row: RunRow,
  watch: Watch,
  { common }: CommandContext,
): Promise<ReportData> {
  const now = Date.now();
  return collectReport(ledger, row, {
    now,
    where: common,
    why: await explainState(ledger, row),
    history: toHistory(await ledger.events(row.id), now),
    ...watch,
  });
}

/** Rows between two looks at the clock and at Ctrl-C. */
const ROWS_AT_ONCE = 2_000;

async function* watched(
  rows: AsyncIterable<CallRow>,
  expected: number,
  { onRead, signal }: Watch,
): AsyncGenerator<CallRow> {
  let read = 0;
  for await (const row of rows) {
    yield row;
    if (++read % ROWS_AT_ONCE !== 0) continue;
    onRead(read, expected);
    await turn();
    if (signal.aborted) return;
  }
}

const LINES_AT_ONCE = 500;

async function* batched(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let batch: string[] = [];
  for await (const line of lines) {
    batch.push(line);
    if (batch.length < LINES_AT_ONCE) continue;
    yield `${batch.join("\n")}\n`;
    batch = [];
  }
  if (batch.length > 0) yield `${batch.join("\n")}\n`;
}
