import { formatCount, formatQuantity } from "../../shared/terminal/format.ts";
import type { Rebuilt } from "./rebuild.ts";

/** What was saved of a damaged database, a line each. */
export function describeRebuilt(name: string, { kept, salvaged, replaced }: Rebuilt): string[] {
  const lines = [`${name}: kept as ${kept}`];
  if (!replaced) {
    return [
      ...lines,
      `${name}: nothing of it can be read, so it stays; move it away to begin anew (sqlite3's .recover may read more)`,
    ];
  }
  const rows = salvaged.filter((table) => table.rows > 0);
  const gaps = salvaged.reduce((sum, table) => sum + table.gaps, 0);
  const refused = salvaged.reduce((sum, table) => sum + table.refused, 0);
  const saved = rows.map((table) => `${formatCount(table.rows)} of ${table.table}`).join(", ");
  return [
    ...lines,
    `${name}: made anew${saved === "" ? ", empty" : ` with what can be read: ${saved}`}`,
    ...(gaps + refused === 0
      ? []
      : [
          `${name}: ${formatQuantity(gaps, "place")} could not be read, ${formatQuantity(refused, "row")} made no sense`,
        ]),
  ];
}
