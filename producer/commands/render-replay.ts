import { nameCause } from "../../shared/terminal/causes.ts";
import { cutEnd, plainLine } from "../../shared/terminal/fit.ts";
import { formatCount, formatQuantity } from "../../shared/terminal/format.ts";
import type { ChosenCall } from "../replay/choice-file.ts";
import type { Cause } from "../replay/choose.ts";
import type { Selection } from "../replay/select.ts";

/** What `senpu replay` says of its choice. */

const FIRST_SHOWN = 10;

/** `senpu replay --dry-run --json` prints just this. */
export interface ReplayPreview {
  readonly parent: string | null;
  readonly calls: number;
  readonly causes: readonly Cause[];
  /** Calls that have succeeded since, whose letters a replay deletes. */
  readonly succeededSince: number;
  readonly first: readonly {
    readonly run: string;
    readonly id: string;
    readonly lane: string;
    readonly method: string;
    readonly url: string;
  }[];
  /** Letters that somebody else reads at this moment. */
  readonly elsewhere: number;
  readonly notes: readonly string[];
}

export function previewReplay(
  parent: string | null,
  calls: readonly ChosenCall[],
  selection: Selection,
): ReplayPreview {
  return {
    parent,
    calls: calls.length,
    causes: selection.causes,
    succeededSince: selection.succeeded,
    first: calls.slice(0, FIRST_SHOWN).map(({ call, lane, from }) => ({
      run: from.run,
      id: call.id,
      lane,
      method: call.method ?? "GET",
      url: call.url,
    })),
    elsewhere: selection.elsewhere,
    notes: describeSelection(selection).slice(1),
  };
}

export function renderPreview(found: ReplayPreview, columns: number): string[] {
  const causes = found.causes.map(
    ({ reason, status, count }) => `  ${formatCount(count)} ${nameCause(reason, status)}`,
  );
  const first = found.first.map(
    ({ id, method, url }) => `  ${plainLine(id)}  ${method} ${plainLine(url)}`,
  );
  const more = found.calls - found.first.length;
  return [
    `Would make ${formatQuantity(found.calls, "call")} again${found.parent === null ? "" : `, as a replay of ${found.parent}`}:`,
    ...causes,
    more > 0 ? `The first ${FIRST_SHOWN}:` : "They are:",
    ...first,
    ...found.notes,
    "Nothing was changed.",
  ].map((line) => cutEnd(line, columns));
}

/** Lines for stderr: what is made, what is not, and why. */
export function describeSelection(selection: Selection): string[] {
  const causes = selection.causes.map(
    ({ reason, status, count }) => `${formatCount(count)} ${nameCause(reason, status)}`,
  );
  const lines = [
    `Making ${formatQuantity(selection.calls.length, "call")} again: ${causes.join(", ")}.`,
  ];
  const say = (count: number, one: string, many: string, rest: string): void => {
    if (count > 0) lines.push(`${formatQuantity(count, one, many)} ${rest}`);
  };
  say(
    selection.succeeded,
    "call has",
    "calls have",
    "succeeded since: not made again, their letters deleted.",
  );
  for (const [run, count] of Object.entries(selection.replayed)) {
    say(
      count,
      "call was",
      "calls were",
      `made again by ${run} already, which left their letters: deleted.`,
    );
  }
  for (const [run, count] of Object.entries(selection.inReplay)) {
    say(
      count,
      "letter is",
      "letters are",
      `left to replay ${run}, which has not ended; senpu resume ${run} goes on with it.`,
    );
  }
  for (const [run, count] of Object.entries(selection.running)) {
    say(count, "letter is", "letters are", `left alone, because run ${run} goes on.`);
  }
  say(selection.elsewhere, "more letter is", "more letters are", "being read by somebody else.");
  say(
    selection.dead,
    "message lies",
    "messages lie",
    "in a dead queue; senpu recorder turns them into letters.",
  );
  return lines;
}
