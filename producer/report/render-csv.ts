import type { CallRow } from "../../shared/ledger/ledger.ts";
import { mask } from "./mask.ts";

const COLUMNS = [
  "run",
  "id",
  "lane",
  "method",
  "url",
  "state",
  "reason",
  "status",
  "attempts",
  "startedAt",
  "settledAt",
  "latencyMs",
  "error",
  "worker",
] as const satisfies readonly (keyof CallRow)[];

/**
 * A run's calls as CSV by RFC 4180, a line a call and the names first; empty for what is not there. Credentials in URLs
 * and errors are masked. A text that a spreadsheet would take for a formula gets an apostrophe in front, as OWASP's
 * "CSV Injection" advises; a plain number is none.
 */
export async function* renderCsv(rows: AsyncIterable<CallRow>): AsyncGenerator<string> {
  yield `${COLUMNS.join(",")}\r`;
  for await (const row of rows) {
    yield `${COLUMNS.map((column) => toCell(row[column])).join(",")}\r`;
  }
}

const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^[+-]?\d+(?:\.\d+)?$/;

function toCell(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const masked = mask(value);
  const text = FORMULA.test(masked) && !NUMBER.test(masked) ? `'${masked}` : masked;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
