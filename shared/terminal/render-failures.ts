import type { CallRow } from "../ledger/ledger.ts";
import type { FailureGroup, Figures } from "../model/figures.ts";
import { explainCause, nameCause } from "./causes.ts";
import type { Paint } from "./color.ts";
import { cutEnd, cutMiddle, plainLine, widthOf, wrap } from "./fit.ts";
import { formatCount } from "./format.ts";
import { senpuLine } from "./senpu-line.ts";
import type { SummaryOptions } from "./summary.ts";

/** More kinds of failure than this are a page for `senpu report`, not for a terminal. */
const GROUPS_SHOWN = 8;
/** Of one example's error. */
const ERROR_LINES = 3;
const INDENT = "      ";

/** The failures by cause, the most frequent first, each with an example and the line that lists the rest. */
export function renderFailures(figures: Figures, options: SummaryOptions, paint: Paint): string[] {
  const groups = figures.failures.toSorted((a, b) => b.count - a.count);
  const lines = [paint.bold("Why calls failed")];
  for (const group of groups.slice(0, GROUPS_SHOWN)) {
    lines.push(...renderGroup(group, figures.run, options, paint));
  }
  const hidden = groups.slice(GROUPS_SHOWN);
  if (hidden.length > 0) {
    const count = hidden.reduce((sum, group) => sum + group.count, 0);
    const all = senpuLine(["calls", figures.run, "--state", "failed"], options.where);
    lines.push(
      `  and ${formatCount(count)} more, of ${formatCount(hidden.length)} other kinds:`,
      `${INDENT}${paint.cyan(all)}`,
    );
  }
  return lines;
}

function renderGroup(
  group: FailureGroup,
  run: string,
  options: SummaryOptions,
  paint: Paint,
): string[] {
  const cause = `${nameCause(group.reason, group.status)} ×${formatCount(group.count)}`;
  const room = options.columns - INDENT.length;
  const [first, ...more] = wrap(
    `${cause} — ${explainCause(group.reason, group.status)}`,
    options.columns - 2,
  );
  const lines = [
    `  ${paint.red(cause)}${first!.slice(cause.length)}`,
    ...more.map((line) => `${INDENT}${line}`),
  ];
  const example = options.examples.find(
    (row) => row.reason === group.reason && row.status === group.status,
  );
  if (example !== undefined) {
    lines.push(...renderExample(example, room).map((line) => `${INDENT}${paint.dim(line)}`));
  }
  lines.push(
    `${INDENT}${paint.cyan(senpuLine(["calls", run, ...filterOf(group)], options.where))}`,
  );
  return lines;
}

function renderExample(row: CallRow, room: number): string[] {
  const id = cutEnd(plainLine(row.id), Math.max(12, Math.floor(room / 3)));
  const head = `${id}: ${row.method} `;
  const url = plainLine(row.url);
  const lines = [
    head + cutMiddle(url === "" ? "(no URL)" : url, Math.max(12, room - widthOf(head))),
  ];
  if (row.error !== null) lines.push(...renderError(plainLine(row.error), room));
  return lines;
}

/** Whole as a rule, since it may end with what to do; what an API writes may go on for long. */
function renderError(error: string, room: number): string[] {
  const lines = wrap(error, room);
  if (lines.length <= ERROR_LINES) return lines;
  return [...lines.slice(0, ERROR_LINES - 1), cutEnd(`${lines[ERROR_LINES - 1]} …`, room)];
}

function filterOf(group: FailureGroup): string[] {
  const filter = ["--reason", group.reason];
  return group.status === null ? filter : [...filter, "--status", String(group.status)];
}
