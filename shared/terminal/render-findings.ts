import type { Paint } from "./color.ts";
import { formatQuantity } from "./format.ts";
import { plainLine, wrap } from "./fit.ts";
import type { Finding, Health } from "../finding.ts";

/** Widths of the columns before the text, gaps included. */
const STATE_WIDTH = 9;
const NAME_WIDTH = 14;
const LEAST_TEXT = 30;

/** `warning  broker        process 4711 died with it`, and below it what to do. */
export function renderFinding(finding: Finding, columns: number, paint: Paint): string[] {
  const { name, state, found, advice } = finding;
  const indent = " ".repeat(STATE_WIDTH + NAME_WIDTH);
  const width = Math.max(LEAST_TEXT, columns - indent.length);
  const [first = "", ...rest] = wrapWords(found, width);
  const head = `${paintState(state, paint)}${name.padEnd(NAME_WIDTH)}${first}`;
  const lines = [head, ...rest.map((line) => `${indent}${line}`)];
  if (advice === null) return lines;
  const [start = "", ...more] = wrapWords(advice, width - 3);
  return [...lines, `${indent}=> ${start}`, ...more.map((line) => `${indent}   ${line}`)];
}

export function renderRepair(line: string, columns: number): string[] {
  const [first = "", ...rest] = wrapWords(line, columns - 2);
  return [first, ...rest.map((each) => `  ${each}`)];
}

export function renderSum(warnings: number, problems: number): string {
  if (warnings + problems === 0) return "All is well.";
  const parts = [
    ...(problems > 0 ? [formatQuantity(problems, "problem")] : []),
    ...(warnings > 0 ? [formatQuantity(warnings, "warning")] : []),
  ];
  return `${parts.join(", ")}.`;
}

function paintState(state: Health, paint: Paint): string {
  const padded = state.padEnd(STATE_WIDTH);
  if (state === "ok") return paint.green(padded);
  return state === "warning" ? paint.yellow(padded) : paint.red(padded);
}

/** At spaces; a longer word, a path for instance, is broken and not cut: one may want to copy it. */
function wrapWords(text: string, width: number): string[] {
  const words = plainLine(text)
    .split(" ")
    .flatMap((word) => word.match(new RegExp(`.{1,${width}}`, "gu")) ?? []);
  return wrap(words.join(" "), width);
}
