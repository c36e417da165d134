import type { CallRow } from "../../shared/ledger/ledger.ts";
import type { Answer, SavedPlace } from "../../shared/model/answer.ts";
import { formatBytes } from "../../shared/terminal/format.ts";

/** A call and what was kept of its answer, as HTTP would show it, with an empty line at the end. Safe for a terminal. */
export function renderAnswer(row: CallRow): string {
  const { answer } = row;
  const lines = [`${row.id}  ${row.method} ${row.url}`, `  ${stateOf(row)}`];
  if (answer === null || answer === undefined) lines.push("  nothing was kept of its answer");
  else lines.push(...linesOf(answer));
  return `${lines.map(withoutControls).join("\n")}\n`;
}

function stateOf({ state, reason, status, error }: CallRow): string {
  return [reason ?? state, status === null ? undefined : `HTTP ${status}`, error]
    .filter((part) => part !== undefined && part !== null)
    .join(", ");
}

function linesOf({ headers = {}, body, encoding, truncated, bytes, saved }: Answer): string[] {
  const lines = Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`);
  if (saved !== undefined) lines.push(`  ${placeOf(saved)}`);
  if (body === undefined) return lines;
  const of = bytes === undefined ? "" : ` of ${formatBytes(bytes)}`;
  const notes = [
    encoding === undefined ? undefined : "no text; base64",
    truncated === true ? `truncated: the beginning${of}` : undefined,
  ].filter((note) => note !== undefined);
  if (notes.length > 0) lines.push(`  (${notes.join("; ")})`);
  return [...lines, "", ...body.split("\n")];
}

function placeOf(saved: SavedPlace): string {
  const size = formatBytes(saved.bytes);
  return "object" in saved ? `saved: ${size} in ${saved.object}` : `saved: ${size}`;
}

/** An answer must not move a terminal's cursor, nor tell it anything. */
function withoutControls(line: string): string {
  // eslint-disable-next-line no-control-regex
  return line.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\uFFFD");
}
