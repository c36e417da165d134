/** Bars for a terminal, in eighths of a character. Pure. */

const TO_THE_RIGHT = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;
const UPWARDS = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;
const LEVEL = "┄";

/** A bar from the left, `share` (0 to 1) of the width long; what is more than nothing shows. */
export function bar(share: number, width: number): string {
  const eighths = Math.max(share > 0 ? 1 : 0, Math.round(Math.min(1, share) * width * 8));
  return "█".repeat(eighths >> 3) + TO_THE_RIGHT[eighths % 8]!;
}

export interface ColumnChart {
  /** A column each, a character wide; from 0 to `most`. */
  readonly values: readonly number[];
  /** What the top of the chart stands for. */
  readonly most: number;
  readonly height: number;
  /** Drawn where the column does not cover it. One a column; default: none. */
  readonly levels?: readonly number[];
  /** Below the chart: a word from a column on. */
  readonly ticks: readonly { readonly column: number; readonly text: string }[];
}

/** The highest value and 0 stand left of the columns. */
export function columnChart({ values, most, height, levels, ticks }: ColumnChart): string[] {
  const top = String(most);
  const rows = Array.from({ length: height }, (_, index) => {
    const floor = height - 1 - index;
    const cells = values.map((value, column) => {
      const filled = UPWARDS[eighthsIn(value, most, height, floor)]!;
      const level = levels?.[column];
      const isLevel = level !== undefined && Math.ceil((level / most) * height) - 1 === floor;
      return filled === " " && isLevel ? LEVEL : filled;
    });
    const label = index === 0 ? top : floor === 0 ? "0" : "";
    return `${label.padStart(top.length)} ${cells.join("")}`.trimEnd();
  });
  return [...rows, `${" ".repeat(top.length + 1)}${tickLine(ticks)}`];
}

/** How much of that row, counted from the bottom, the column fills. */
function eighthsIn(value: number, most: number, height: number, row: number): number {
  const eighths = Math.round((value / most) * height * 8);
  const shown = value > 0 ? Math.max(1, eighths) : 0;
  return Math.max(0, Math.min(8, shown - row * 8));
}

function tickLine(ticks: ColumnChart["ticks"]): string {
  let line = "";
  for (const { column, text } of ticks) {
    if (column < line.length) continue;
    line = line.padEnd(column) + text;
  }
  return line;
}
