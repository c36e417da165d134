import { Fault, notAllowed } from "../../shared/document/fault.ts";
import { readCsvRows } from "./csv-rows.ts";
import { parseJsonLine } from "./json-line.ts";
import { lineTooLong, readLines } from "./lines.ts";
import type { Row } from "./template.ts";
import type { TextFile } from "./text-file.ts";

/** A row of a file, or what is wrong with it. */
export type RowItem =
  | { readonly number: number; readonly row: Row }
  | { readonly number: number; readonly error: string };

export const ROW_FORMATS = ["csv", "jsonl"] as const;

export type RowFormat = (typeof ROW_FORMATS)[number];

export interface RowFile extends TextFile {
  readonly format: RowFormat;
  /** How messages name it; default: its path. */
  readonly shown?: string;
  /** Between the fields of CSV. Default: a comma. */
  readonly delimiter?: string;
}

/** The rows of a CSV or JSON Lines file, as fast as they are asked for, in batches of one read. */
export function readRows(file: RowFile): AsyncGenerator<readonly RowItem[]> {
  return file.format === "csv" ? readCsvRows(file) : readJsonRows(file);
}

async function* readJsonRows(file: TextFile): AsyncGenerator<readonly RowItem[]> {
  for await (const lines of readLines(file)) {
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
