import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";
import { isDamage } from "./stores.ts";

/** What came over of one table. */
export interface Salvaged {
  readonly table: string;
  readonly rows: number;
  /** Places in it that could not be read; how many rows were there, nobody knows. */
  readonly gaps: number;
  /** Rows that could be read, and make no sense. */
  readonly refused: number;
}

/**
 * Copies what can be read of a damaged database into a new, empty one that has the tables: page by page around those
 * that are broken. Only columns that both have; so a file of another layout comes over as well.
 */
export function salvage(source: DatabaseSync, target: DatabaseSync): Salvaged[] {
  const tables = target
    .prepare(
      "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'",
    )
    .all();
  target.exec("BEGIN");
  const salvaged = tables.map((row) =>
    salvageTable(source, target, String(row["name"]), row["wr"] === 1),
  );
  target.exec("COMMIT");
  return salvaged;
}

type Row = Record<string, SQLOutputValue>;

function salvageTable(
  source: DatabaseSync,
  target: DatabaseSync,
  table: string,
  isWithoutRowid: boolean,
): Salvaged {
  const columns = commonColumns(source, target, table);
  if (columns.length === 0) return { table, rows: 0, gaps: 0, refused: 0 };
  const list = columns.join(", ");
  const insert = target.prepare(
    `INSERT OR IGNORE INTO ${table} (${list}) VALUES (${columns.map(() => "?").join(", ")})`,
  );
  let rows = 0;
  let refused = 0;
  const take = (row: Row): void => {
    try {
      const values = columns.map((column) => row[column] as SQLInputValue);
      if (insert.run(...values).changes > 0) rows++;
      else refused++;
    } catch {
      refused++;
    }
  };
  const gaps = isWithoutRowid
    ? readFromBothEnds(source, table, columns, take)
    : readAround(source, table, list, take);
  return { table, rows, gaps, refused };
}

/** In the target's order; none where the source's schema cannot be read. */
function commonColumns(source: DatabaseSync, target: DatabaseSync, table: string): string[] {
  const columnsOf = (database: DatabaseSync): string[] =>
    database
      .prepare("SELECT name FROM pragma_table_info(?)")
      .all(table)
      .map((row) => String(row["name"]));
  try {
    const found = new Set(columnsOf(source));
    return columnsOf(target).filter((column) => found.has(column));
  } catch (error) {
    if (isDamage(error)) return [];
    throw error;
  }
}

/** Past this there are no rows: the last rowid. */
const END = 2n ** 63n - 1n;
const KEY = "salvaged_key";

/** By rowid, on after each place that cannot be read. Returns how many such places there are. */
function readAround(
  source: DatabaseSync,
  table: string,
  list: string,
  take: (row: Row) => void,
): number {
  const sql = `SELECT rowid AS ${KEY}, ${list} FROM ${table} WHERE rowid >= ? ORDER BY rowid`;
  // Each time anew: a statement that has failed tells so once more when it is used again.
  const prepare = (sql: string): StatementSync => {
    const statement = source.prepare(sql);
    statement.setReadBigInts(true);
    return statement;
  };
  const canRead = (from: bigint): boolean => {
    try {
      prepare(`${sql} LIMIT 1`).get(from);
      return true;
    } catch (error) {
      if (isDamage(error)) return false;
      throw error;
    }
  };
  let gaps = 0;
  for (let from: bigint | undefined = -END; from !== undefined; gaps++) {
    let last: bigint = from - 1n;
    try {
      for (const row of prepare(sql).iterate(from)) {
        take(row);
        last = row[KEY] as bigint;
      }
      return gaps;
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
    from = findReadable(last + 1n, canRead);
  }
  return gaps;
}

/** The smallest key from which reading goes on; undefined where there is none. */
function findReadable(from: bigint, canRead: (from: bigint) => boolean): bigint | undefined {
  if (canRead(from)) return from;
  let broken = from;
  let step = 1n;
  while (!canRead(broken + step)) {
    broken += step;
    step *= 2n;
    if (broken + step > END) return undefined;
  }
  let readable = broken + step;
  while (readable - broken > 1n) {
    const middle = (broken + readable) / 2n;
    if (canRead(middle)) readable = middle;
    else broken = middle;
  }
  return readable;
}

/** By primary key: up to the first broken page, then down to the last. */
function readFromBothEnds(
  source: DatabaseSync,
  table: string,
  columns: readonly string[],
  take: (row: Row) => void,
): number {
  const keys = source
    .prepare("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk")
    .all(table)
    .map((row) => String(row["name"]));
  const read = (direction: "ASC" | "DESC"): boolean => {
    const order = keys.map((key) => `${key} ${direction}`).join(", ");
    const statement = source.prepare(
      `SELECT ${columns.join(", ")} FROM ${table} ORDER BY ${order}`,
    );
    statement.setReadBigInts(true);
    try {
      for (const row of statement.iterate()) take(row);
      return true;
    } catch (error) {
      if (isDamage(error)) return false;
      throw error;
    }
  };
  if (read("ASC")) return 0;
  read("DESC");
  return 1;
}
