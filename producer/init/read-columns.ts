import { Fault } from "../../shared/document/fault.ts";
import { SenpuError } from "../../shared/errors.ts";
import { readCsvColumns } from "../plan/csv-rows.ts";
import { fromSchema } from "../plan/from-schema.ts";
import { readRows } from "../plan/rows.ts";
import { openRows } from "../plan/rows-source.ts";

/** What rows have to offer: the header's columns of CSV, the first row's fields of JSON Lines. Throws {@link SenpuError} `plan`. */
export async function readColumns(file: string, baseDir: string): Promise<readonly string[]> {
  const from = fromSchema.safeParse(file);
  if (!from.success) throw new SenpuError("plan", `from: ${from.error.issues[0]?.message}`);
  try {
    const rows = await openRows(from.data, baseDir);
    try {
      if (rows.file.format === "csv") return await readCsvColumns(rows.file);
      for await (const items of readRows(rows.file)) {
        const first = items.find((item) => "row" in item);
        if (first !== undefined) return Object.keys(first.row);
      }
      return [];
    } finally {
      await rows.release();
    }
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new SenpuError("plan", `${file}: ${error.message}`, { cause: error });
  }
}

/** The column that looks like an id: `id` itself, else one that ends so. */
export function guessId(columns: readonly string[]): string | undefined {
  return (
    columns.find((column) => /^id$/i.test(column)) ??
    columns.find((column) => /(^|[_-])(id|key|code|no)$/i.test(column))
  );
}
