import { readFileSync } from "node:fs";
import { parse } from "csv-parse/sync";

/** The rows of a file by the names in its first line, as another program reads them. */
export function readCsv<Row extends Record<string, string> & { readonly id: string }>(
  path: string,
): Row[] {
  return parse<Row>(readFileSync(path), { columns: true });
}
