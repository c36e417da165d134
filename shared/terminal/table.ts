import { cutEnd, cutMiddle, widthOf } from "./fit.ts";

/** A table without lines, fitted to a width before all of its rows are known. */

export interface Column {
  readonly title: string;
  readonly align?: "right";
  /** Gives way where the table is too wide: cut at its end or in its middle, down to `minWidth` (default 8). */
  readonly cut?: "end" | "middle";
  readonly minWidth?: number;
  /** Left out where even the narrowest table is too wide. */
  readonly optional?: boolean;
  /** Colours a cell that has been cut and padded. */
  readonly paint?: (cell: string, text: string) => string;
}

export interface FittedTable {
  readonly head: string;
  /** The row as one line, with a cell for every column, also for those that were left out. */
  row(cells: readonly string[]): string;
}

const GAP = "  ";
const DEFAULT_MIN_WIDTH = 8;

/** Widths come from the titles and from `sample`; later rows are cut to them. */
export function fitTable(
  columns: readonly Column[],
  sample: readonly (readonly string[])[],
  totalWidth: number,
): FittedTable {
  const natural = columns.map((column, index) =>
    sample.reduce(
      (width, row) => Math.max(width, widthOf(row[index] ?? "")),
      widthOf(column.title),
    ),
  );
  const kept = chooseColumns(columns, natural, totalWidth);
  const widths = shrink(columns, natural, kept, totalWidth);
  const line = (cellOf: (index: number) => string, painted: boolean): string =>
    kept
      .map((index, place) => {
        const column = columns[index]!;
        const text = cellOf(index);
        const cell = pad(
          column,
          cutCell(column, text, widths[index]!),
          widths[index]!,
          place === kept.length - 1,
        );
        return painted && column.paint !== undefined ? column.paint(cell, text) : cell;
      })
      .join(GAP)
      .trimEnd();
  return {
    head: line((index) => columns[index]!.title, false),
    row: (cells) => line((index) => cells[index] ?? "", true),
  };
}

/** The whole table as lines, the titles first. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  totalWidth: number,
): string[] {
  const table = fitTable(columns, rows, totalWidth);
  return [table.head, ...rows.map((row) => table.row(row))];
}

/** Indices of the columns that fit at their narrowest; optional ones go first, from the right. */
function chooseColumns(
  columns: readonly Column[],
  natural: readonly number[],
  totalWidth: number,
): number[] {
  let kept = columns.map((_, index) => index);
  const narrowest = (index: number): number =>
    Math.min(natural[index]!, minWidthOf(columns[index]!, natural[index]!));
  while (sumWidths(kept, narrowest) > totalWidth) {
    const dropped = kept.findLast((index) => columns[index]!.optional === true);
    if (dropped === undefined) break;
    kept = kept.filter((index) => index !== dropped);
  }
  return kept;
}

/** Takes column after column from the widest that may give way, until all fit or none may. */
function shrink(
  columns: readonly Column[],
  natural: readonly number[],
  kept: readonly number[],
  totalWidth: number,
): number[] {
  const widths = [...natural];
  let excess = sumWidths(kept, (index) => widths[index]!) - totalWidth;
  for (; excess > 0; excess--) {
    let widest: number | undefined;
    for (const index of kept) {
      if (widths[index]! <= minWidthOf(columns[index]!, natural[index]!)) continue;
      if (widest === undefined || widths[index]! > widths[widest]!) widest = index;
    }
    if (widest === undefined) break;
    widths[widest] = widths[widest]! - 1;
  }
  return widths;
}

function minWidthOf(column: Column, naturalWidth: number): number {
  return column.cut === undefined ? naturalWidth : (column.minWidth ?? DEFAULT_MIN_WIDTH);
}

function sumWidths(kept: readonly number[], widthAt: (index: number) => number): number {
  return kept.reduce((sum, index) => sum + widthAt(index), 0) + GAP.length * (kept.length - 1);
}

function cutCell(column: Column, text: string, width: number): string {
  return column.cut === "middle" ? cutMiddle(text, width) : cutEnd(text, width);
}

function pad(column: Column, text: string, width: number, isLast: boolean): string {
  const space = " ".repeat(Math.max(0, width - widthOf(text)));
  if (column.align === "right") return space + text;
  return isLast ? text : text + space;
}
