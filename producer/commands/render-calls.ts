import type { CallRow } from "../../shared/ledger/ledger.ts";
import type { CallState } from "../../shared/model/outcome.ts";
import { nameCause } from "../../shared/terminal/causes.ts";
import { createPaint } from "../../shared/terminal/color.ts";
import type { Paint } from "../../shared/terminal/color.ts";
import { plainLine } from "../../shared/terminal/fit.ts";
import { formatCount, formatDuration } from "../../shared/terminal/format.ts";
import { fitTable } from "../../shared/terminal/table.ts";
import type { Column } from "../../shared/terminal/table.ts";

/** Calls as text: fitted to a terminal, or as one line each that other programs can take apart. */

/** Rows that decide the widths of all; the rest is cut to them, so that any number can stream by. */
const SAMPLE_ROWS = 200;

/** Tabs between, `-` for what is not there. */
export function renderCallLine(row: CallRow): string {
  return [
    row.id,
    row.state,
    row.reason,
    row.status,
    row.attempts,
    row.latencyMs,
    row.lane,
    row.method,
    row.url,
    row.error,
  ]
    .map((value) => (value === null || value === "" ? "-" : plainLine(String(value))))
    .join("\t");
}

/** A table as wide as the terminal; URLs and errors give way. */
export async function* renderCallTable(
  rows: AsyncIterable<CallRow>,
  options: { readonly columns: number; readonly color: boolean },
): AsyncGenerator<string> {
  const paint = createPaint(options.color);
  let layout: CallLayout | undefined;
  let sample: CallRow[] = [];
  for await (const row of rows) {
    if (layout !== undefined) {
      yield layout.render(row);
      continue;
    }
    sample.push(row);
    if (sample.length < SAMPLE_ROWS) continue;
    layout = layOut(sample, options.columns, paint);
    yield* renderSample(layout, sample, paint);
    sample = [];
  }
  if (sample.length > 0) yield* renderSample(layOut(sample, options.columns, paint), sample, paint);
}

interface CallLayout {
  readonly head: string;
  render(row: CallRow): string;
}

function* renderSample(
  layout: CallLayout,
  sample: readonly CallRow[],
  paint: Paint,
): Generator<string> {
  yield paint.dim(layout.head);
  for (const row of sample) yield layout.render(row);
}

function layOut(sample: readonly CallRow[], totalColumns: number, paint: Paint): CallLayout {
  const columns: (Column & { readonly cellOf: (row: CallRow) => string })[] = [
    { title: "ID", cut: "end", cellOf: (row) => plainLine(row.id) },
    { title: "RESULT", paint: (cell, text) => paintResult(paint, text)(cell), cellOf: resultOf },
    { title: "TRIES", align: "right", optional: true, cellOf: (row) => formatCount(row.attempts) },
    { title: "TIME", align: "right", optional: true, cellOf: latencyOf },
  ];
  // A column that would say the same in every row, or nothing, is left out.
  if (new Set(sample.map((row) => row.lane)).size > 1) {
    columns.push({ title: "LANE", cut: "end", optional: true, cellOf: (row) => row.lane });
  }
  // Where all go to one API, its origin stands in the title, and rows keep their columns for what differs.
  const origin = commonOrigin(sample);
  columns.push({
    title: origin === undefined ? "CALL" : `CALL ${origin}`,
    cut: "middle",
    minWidth: 20,
    cellOf: (row) => callOf(row, origin),
  });
  if (sample.some((row) => row.error !== null)) {
    columns.push({
      title: "ERROR",
      cut: "end",
      minWidth: 16,
      cellOf: errorOf,
      paint: (cell) => paint.dim(cell),
    });
  }
  const cellsOf = (row: CallRow): string[] => columns.map((column) => column.cellOf(row));
  const table = fitTable(columns, sample.map(cellsOf), totalColumns);
  return { head: table.head, render: (row) => table.row(cellsOf(row)) };
}

function resultOf(row: CallRow): string {
  if (row.state === "failed" && row.reason !== null) return nameCause(row.reason, row.status);
  return row.status === null ? row.state : `${row.state} ${row.status}`;
}

function latencyOf(row: CallRow): string {
  return row.latencyMs === null ? "" : formatDuration(row.latencyMs);
}

function callOf(row: CallRow, origin: string | undefined): string {
  const url = plainLine(row.url);
  const shown =
    origin !== undefined && url.startsWith(`${origin}/`) ? url.slice(origin.length) : url;
  return `${row.method} ${shown}`.trimEnd();
}

/** Undefined where there is none, or more than one; rows without a proper URL do not count. */
function commonOrigin(rows: readonly CallRow[]): string | undefined {
  const origins = new Set(rows.map((row) => URL.parse(row.url)?.origin));
  origins.delete(undefined);
  const [origin] = origins;
  return origins.size === 1 ? origin : undefined;
}

function errorOf(row: CallRow): string {
  return plainLine(row.error ?? "");
}

function paintResult(paint: Paint, result: string): (text: string) => string {
  const state = result.split(" ")[0] as CallState;
  if (state === "succeeded") return paint.green;
  return state === "pending" || state === "cancelled" ? paint.yellow : paint.red;
}
