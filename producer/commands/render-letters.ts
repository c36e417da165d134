import { nameCause } from "../../shared/terminal/causes.ts";
import { createPaint } from "../../shared/terminal/color.ts";
import { plainLine } from "../../shared/terminal/fit.ts";
import { formatCount, formatDuration, formatQuantity } from "../../shared/terminal/format.ts";
import { renderTable } from "../../shared/terminal/table.ts";
import type { LetterGroup } from "../replay/group-letters.ts";
import type { LaneLook } from "../replay/look.ts";

export interface RenderLettersOptions {
  /** Epoch milliseconds; ages count to it. */
  readonly now: number;
  readonly columns: number;
  readonly color: boolean;
}

/** A table a lane, the commonest cause first. */
export function renderLetters(
  groups: readonly LetterGroup[],
  { now, columns, color }: RenderLettersOptions,
): string[] {
  if (groups.length === 0) return ["No letters."];
  const paint = createPaint(color);
  return [...Map.groupBy(groups, ({ lane }) => lane)].flatMap(([lane, ofLane], index) => [
    ...(index === 0 ? [] : [""]),
    paint.bold(lane),
    ...renderTable(
      [
        { title: "calls", align: "right" },
        { title: "cause", cut: "end", paint: (cell) => paint.red(cell) },
        { title: "run", cut: "middle", minWidth: 10 },
        { title: "host", cut: "middle", minWidth: 10 },
        { title: "age" },
        { title: "for example", cut: "end", minWidth: 12, optional: true },
      ],
      ofLane.map((group) => toCells(group, now)),
      columns - 2,
    ).map((line) => `  ${line}`),
  ]);
}

function toCells(group: LetterGroup, now: number): string[] {
  const { queue, run, reason, status, host, count, example } = group;
  const cause = reason === "unreadable" ? reason : nameCause(reason, status);
  const youngest = formatDuration(now - Date.parse(group.newestAt));
  const oldest = formatDuration(now - Date.parse(group.oldestAt));
  const told = [example.id, example.error].filter((part) => part !== null).join(": ");
  return [
    formatCount(count),
    queue === "dead" ? `${cause} (dead)` : cause,
    plainLine(run ?? "-"),
    plainLine(host ?? "-"),
    youngest === oldest ? oldest : `${youngest} – ${oldest}`,
    plainLine(told),
  ];
}

/** What was not read, and why. */
export function describeQueues(queues: readonly LaneLook[], hasMoreGroups: boolean): string[] {
  const notes: string[] = [];
  for (const { lane, kind, read, unread, elsewhere } of queues) {
    const place = `lane ${lane}${kind === "dead" ? " (dead)" : ""}`;
    if (unread > 0) {
      const all = formatCount(read + unread + elsewhere);
      notes.push(
        `${place}: ${formatCount(read)} of about ${all} letters were read; --all reads every one.`,
      );
    } else if (elsewhere > 0) {
      const more = formatQuantity(elsewhere, "more is", "more are");
      notes.push(`${place}: ${more} being read by somebody else.`);
    }
  }
  if (hasMoreGroups) notes.push("There are more groups; --limit left them out.");
  return notes;
}
