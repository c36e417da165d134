import type { CommonOptions } from "../command.ts";
import type { CallRow } from "../ledger/ledger.ts";
import type { Figures, RunState } from "../model/figures.ts";
import { createPaint } from "./color.ts";
import type { Paint } from "./color.ts";
import { cutEnd, plainLine, wrap } from "./fit.ts";
import { formatCount, formatDuration, formatQuantity, formatRate } from "./format.ts";
import { renderFailures } from "./render-failures.ts";
import { senpuLine } from "./senpu-line.ts";

export interface SummaryOptions {
  /** One call of each group of failures, where there is one; see `collectExamples`. */
  readonly examples: readonly CallRow[];
  /** A sentence on why the run stands still. Default: none. */
  readonly why?: string | undefined;
  readonly color: boolean;
  readonly columns: number;
  /** Where the run lives, so that the lines to paste find it. */
  readonly where: Pick<CommonOptions, "state" | "env" | "endpointUrl">;
}

/** A run as text: what became of it, why calls failed, and what to do next. Ends with a line feed. */
export function renderSummary(figures: Figures, options: SummaryOptions): string {
  const paint = createPaint(options.color);
  const blocks = [renderHeadline(figures, options, paint), renderFigures(figures, options, paint)];
  if (figures.failures.length > 0) blocks.push(renderFailures(figures, options, paint));
  const next = renderNextSteps(figures, options, paint);
  if (next.length > 0) blocks.push(next);
  return `${blocks.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function renderHeadline(figures: Figures, options: SummaryOptions, paint: Paint): string[] {
  const name = plainLine(figures.name);
  const [headline, ...more] = wrap(`${name}: ${describeState(figures)}`, options.columns);
  const isFine =
    figures.failed === 0 && (figures.state === "settled" || figures.state === "running");
  const isWaiting = figures.state === "running" || figures.state === "paused";
  let emphasis = paint.red;
  if (isWaiting) emphasis = paint.yellow;
  if (isFine) emphasis = paint.green;
  const lines = [headline!, ...more].map((line) => paint.bold(emphasis(line)));
  const parent = figures.parent === null ? "" : ` · replays ${figures.parent}`;
  const why = options.why === undefined ? [] : wrap(plainLine(options.why), options.columns);
  return [...lines, paint.dim(cutEnd(`run ${figures.run}${parent}`, options.columns)), ...why];
}

/** What became of the run, as half a sentence: `588 of 50,000 calls failed in 1 m 32 s`. */
export function describeState(figures: Figures): string {
  const since = formatDuration(figures.elapsedMs);
  const done = `${formatCount(figures.planned - figures.pending)} of ${formatQuantity(figures.planned, "call")} done`;
  const descriptions: Readonly<Record<RunState, string>> = {
    settled: `${describeResult(figures)} in ${since}`,
    running: `running for ${since}, ${done}`,
    paused: `paused after ${since}, ${done}`,
    stopped: `stopped after ${since}, too many calls failed; ${done}`,
    cancelled: `cancelled after ${since}, ${formatQuantity(figures.cancelled, "call")} given up`,
    interrupted: `interrupted after ${since}, ${done}; nothing is lost`,
  };
  return descriptions[figures.state];
}

function describeResult(figures: Figures): string {
  if (figures.planned === 0) return "the plan held no call; ended";
  if (figures.failed > 0) {
    return `${formatCount(figures.failed)} of ${formatQuantity(figures.planned, "call")} failed`;
  }
  if (figures.cancelled > 0) {
    return `${formatQuantity(figures.cancelled, "call")} cancelled, none failed`;
  }
  return figures.planned === 1
    ? "the call succeeded"
    : `all ${formatCount(figures.planned)} calls succeeded`;
}

const LABEL_WIDTH = 10;

function renderFigures(figures: Figures, options: SummaryOptions, paint: Paint): string[] {
  const calls = [
    `${formatCount(figures.succeeded)} succeeded`,
    `${formatCount(figures.failed)} failed`,
    ...(figures.cancelled > 0 ? [`${formatCount(figures.cancelled)} cancelled`] : []),
    ...(figures.pending > 0 ? [`${formatCount(figures.pending)} to come`] : []),
  ];
  const rows: [label: string, parts: string[]][] = [["calls", calls]];
  const pace = paceOf(figures);
  if (pace !== undefined) {
    rows.push(["pace", [pace, `${formatDuration(figures.elapsedMs)} in all`]]);
  }
  if (figures.attempts > 0) rows.push(["attempts", describeAttempts(figures)]);
  if (figures.latencyMs !== null) {
    const { p50, p95, p99, max } = figures.latencyMs;
    rows.push([
      "latency",
      [
        `p50 ${formatDuration(p50)}`,
        `p95 ${formatDuration(p95)}`,
        `p99 ${formatDuration(p99)}`,
        `max ${formatDuration(max)}`,
      ],
    ]);
  }
  return rows.map(([label, parts]) => {
    const text = cutEnd(parts.join(" · "), options.columns - LABEL_WIDTH - 2);
    return `  ${paint.dim(label.padEnd(LABEL_WIDTH))}${text}`;
  });
}

function paceOf(figures: Figures): string | undefined {
  const made = figures.succeeded + figures.failed;
  if (made === 0 || figures.elapsedMs < 1) return undefined;
  return formatRate((made / figures.elapsedMs) * 1000)
    .replace("/s", " calls/s")
    .replace("/m", " calls/m");
}

function describeAttempts(figures: Figures): string[] {
  const parts = [formatCount(figures.attempts)];
  // What never left the machine counts no attempt; of calls still to come, attempts are not known yet.
  const neverMade = figures.failures
    .filter((group) => group.reason === "invalid" || group.reason === "blocked")
    .reduce((sum, group) => sum + group.count, 0);
  const retries = figures.attempts - (figures.succeeded + figures.failed - neverMade);
  if (retries > 0) parts.push(formatQuantity(retries, "of them a retry", "of them retries"));
  if (figures.duplicates > 0) {
    parts.push(`${formatQuantity(figures.duplicates, "outcome")} arrived twice`);
  }
  return parts;
}

/** Of a run of so many calls these lines tell too little. */
const WORTH_A_REPORT = 1_000;

function renderNextSteps(figures: Figures, options: SummaryOptions, paint: Paint): string[] {
  const steps: [words: string[], purpose: string][] = [];
  const { run } = figures;
  if (figures.state === "running") steps.push([["status", run, "--watch"], "watch it"]);
  if (figures.state === "paused") steps.push([["unpause", run], "go on"]);
  if (figures.state === "interrupted" || figures.state === "stopped") {
    steps.push([["resume", run], "go on where it ended; what is done is not made again"]);
  }
  if (figures.failed > 0 && (figures.state === "settled" || figures.state === "cancelled")) {
    steps.push([["replay", run], "make the failed calls again"]);
  }
  const hasEnded = figures.state !== "running" && figures.state !== "paused";
  if (hasEnded && figures.succeeded + figures.failed >= WORTH_A_REPORT) {
    steps.push([["report", run, "-o", "report.html"], "a page of it, with plots, to hand on"]);
  }
  return steps.map(([words, purpose]) => {
    const line = senpuLine(words, options.where);
    // The line is there to be pasted, so it is never cut.
    const room = options.columns - line.length - 4;
    return room >= purpose.length
      ? `  ${paint.cyan(line)}  ${paint.dim(purpose)}`
      : `  ${paint.dim(`${purpose}:`)}\n  ${paint.cyan(line)}`;
  });
}
