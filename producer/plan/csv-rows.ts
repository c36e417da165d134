import { type CsvError, parse } from "csv-parse";
import { Fault, show } from "../../shared/document/fault.ts";
import { SenpuError } from "../../shared/errors.ts";
import type { RowFile, RowItem } from "./rows.ts";
import { readText } from "./text-file.ts";

/** A quote that is opened and never closed makes one field of the rest of a file; past this it is given up. */
const MAX_RECORD_BYTES = 16_000_000;

/** The columns that the header row names; throws a {@link Fault} where it names none, or one twice. */
export async function readCsvColumns(file: RowFile): Promise<readonly string[]> {
  for await (const records of readCsvRecords(file)) {
    const [header] = records;
    if (header === undefined) continue;
    return readHeader(header);
  }
  throw new Fault("has no header row");
}

/** Rows as objects by column, in batches of one read. The first row after the header is row 1. */
export async function* readCsvRows(file: RowFile): AsyncGenerator<readonly RowItem[]> {
  let columns: readonly string[] | undefined;
  let number = 0;
  for await (const records of readCsvRecords(file)) {
    const items: RowItem[] = [];
    for (const record of records) {
      if (columns === undefined) columns = readHeader(record);
      else items.push(toItem(++number, record, columns));
    }
    if (items.length > 0) yield items;
  }
}

function toItem(number: number, record: CsvRecord, columns: readonly string[]): RowItem {
  if (!Array.isArray(record)) return { number, error: describe(record as CsvError) };
  if (record.length !== columns.length) {
    return { number, error: `has ${count(record.length)}, and the header ${columns.length}` };
  }
  const row: Record<string, unknown> = {};
  for (let index = 0; index < columns.length; index++) row[columns[index]!] = record[index];
  return { number, row };
}

function count(fields: number): string {
  return fields === 1 ? "1 field" : `${fields} fields`;
}

function describe({ code }: CsvError): string {
  if (code === "CSV_QUOTE_NOT_CLOSED") {
    return "a quote is never closed: all that follows was taken for one field";
  }
  return code === "CSV_INVALID_CLOSING_QUOTE"
    ? 'text follows a closing quote; a quote within a field is written ""'
    : 'a quote stands within a field; the field must be quoted, and the quote written ""';
}

function readHeader(header: CsvRecord): readonly string[] {
  if (!Array.isArray(header)) throw new Fault(`the header row: ${describe(header as CsvError)}`);
  const columns = (header as readonly string[]).map((name) => name.trim());
  const twice = columns.find((name, index) => name !== "" && columns.indexOf(name) !== index);
  if (twice !== undefined) throw new Fault(`names the column ${show(twice)} twice`);
  return columns;
}

type CsvRecord = readonly string[] | CsvError;

/** Records, and in their place what was wrong with one, in batches of one read. */
async function* readCsvRecords(file: RowFile): AsyncGenerator<readonly CsvRecord[]> {
  let records: CsvRecord[] = [];
  let brokenLine: unknown;
  let openBytes = 0;
  const parser = parse({
    bom: true,
    delimiter: file.delimiter ?? ",",
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    on_record: (record: string[]) => {
      records.push(record);
      return null;
    },
    on_skip: (error) => {
      if (error === undefined) return;
      // Two mistakes of one record are one record.
      if (error["lines"] !== brokenLine) records.push(error);
      brokenLine = error["lines"];
      // Without this the parser would go on inside the quotes and swallow the rows up to the next one.
      (parser as unknown as { state: { quoting: boolean } }).state.quoting = false;
    },
  });
  parser.on("error", () => {});
  try {
    for await (const chunk of readText(file)) {
      await new Promise<void>((resolve, reject) => {
        parser.write(chunk, (error) => (error ? reject(error) : resolve()));
      });
      openBytes = records.length > 0 ? 0 : openBytes + chunk.length;
      if (openBytes > MAX_RECORD_BYTES) {
        throw new SenpuError(
          "plan",
          `${file.shown ?? file.path}: a quote is opened and not closed within ${MAX_RECORD_BYTES} bytes`,
        );
      }
      if (records.length > 0) yield records;
      records = [];
    }
    await new Promise<void>((resolve) => parser.end(resolve));
    if (records.length > 0) yield records;
  } finally {
    parser.destroy();
  }
}
