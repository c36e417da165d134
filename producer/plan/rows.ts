import { extname } from "node:path";
import { Fault, notAllowed } from "../../shared/document/fault.ts";
import { readCsvRows } from "./csv-rows.ts";
import { parseJsonLine } from "./json-line.ts";
import { lineTooLong, readLines } from "./lines.ts";
import type { Row } from "./template.ts";

/** A row of a file, or what is wrong with it. */
export type RowItem =
  | { readonly number: number; readonly row: Row }
  | { readonly number: number; readonly error: string };

/** The rows of a CSV or JSON Lines file, as fast as they are asked for, in batches of one read. */
export function readRows(path: string): AsyncGenerator<readonly RowItem[]> {
  return isCsv(path) ? readCsvRows(path) : readJsonRows(path);
}

export function isCsv(path: string): boolean {
  return extname(path).toLowerCase() === ".csv";
}

async function* readJsonRows(path: string): AsyncGenerator<readonly RowItem[]> {
  for await (const lines of readLines(path)) {
    yield lines.map(({ number, text, tooLong }): RowItem => {
      if (tooLong) return { number, error: lineTooLong() };
      try {
        const row = parseJsonLine(text);
        if (typeof row !== "object" || row === null || Array.isArray(row)) {
          throw new Fault(notAllowed(row, "an object by field"));
        }
        return { number, row: row as Row };
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        return { number, error: error.message };
      }
    });
  }
}
