import { nameCause } from "../../shared/terminal/causes.ts";
import {
  formatCount,
  formatDuration,
  formatQuantity,
  formatRate,
} from "../../shared/terminal/format.ts";
import { describeState } from "../../shared/terminal/summary.ts";
import { describeUnfinished } from "./name-state.ts";
import type { FailureData, ReportData } from "./report-data.ts";

/** More is for the page. */
const CAUSES_SHOWN = 8;

/**
 * A report as a message: a few lines of Markdown that GitHub, GitLab, Slack, Mattermost and Teams show alike, so no
 * table. What comes from a plan or an API stands in code, where no program takes it for a mention, a link or emphasis.
 */
export function renderMarkdown(data: ReportData): string {
  const { figures, failures, replay } = data;
  const lines = [`**${code(figures.name)}: ${describeState(figures)}**`];
  const unfinished = describeUnfinished(figures.state);
  if (data.why !== null) lines.push("", code(data.why));
  if (unfinished !== undefined) lines.push("", unfinished);
  lines.push("", ...describeFigures(data).map((line) => `- ${line}`));
  if (failures.length > 0) {
    lines.push("", "Why calls failed:", "");
    for (const failure of failures.slice(0, CAUSES_SHOWN)) lines.push(describeFailure(failure));
    const hidden = failures.slice(CAUSES_SHOWN);
    if (hidden.length > 0) {
      const count = hidden.reduce((sum, failure) => sum + failure.count, 0);
      lines.push(`- and ${formatCount(count)} more, of ${formatCount(hidden.length)} other kinds`);
    }
  }
  if (replay !== null) lines.push("", `Make them again: ${code(replay)}`);
  return `${lines.join("\n")}\n`;
}

function describeFigures({ figures, lanes }: ReportData): string[] {
  const counts = [
    formatQuantity(figures.planned, "call"),
    `${formatCount(figures.succeeded)} succeeded`,
    `${formatCount(figures.failed)} failed`,
    ...(figures.cancelled > 0 ? [`${formatCount(figures.cancelled)} cancelled`] : []),
    ...(figures.pending > 0 ? [`${formatCount(figures.pending)} to come`] : []),
  ];
  const made = figures.succeeded + figures.failed;
  const lines = [counts.join(" · ")];
  if (made > 0 && figures.elapsedMs > 0) {
    const pace = formatRate((made * 1_000) / figures.elapsedMs);
    lines.push(`${pace} on average · ${formatQuantity(figures.attempts, "attempt")}`);
  }
  if (figures.latencyMs !== null) {
    const { p50, p95, p99, max } = figures.latencyMs;
    lines.push(
      `latency p50 ${formatDuration(p50)} · p95 ${formatDuration(p95)} · p99 ${formatDuration(p99)} · max ${formatDuration(max)}`,
    );
  }
  lines.push(
    `run ${code(figures.run)}${lanes.length > 1 ? `, ${formatCount(lanes.length)} lanes` : ""}`,
  );
  return lines;
}

function describeFailure({ reason, status, count, means, examples }: FailureData): string {
  const [example] = examples;
  const such = example === undefined ? "" : `; such as ${code(`${example.method} ${example.url}`)}`;
  return `- **${formatCount(count)}** ${nameCause(reason, status)}: ${means}${such}`;
}

/** A code span may hold anything but its own quotes. */
function code(text: string): string {
  return `\`${text.replaceAll("`", "'")}\``;
}
