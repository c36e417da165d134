import { once } from "node:events";
import { createWriteStream, writeFileSync } from "node:fs";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { callUrl } from "./contestants/entry.ts";

export const SENPU = fileURLToPath(new URL("../../senpu.js", import.meta.url));

const ROWS_A_WRITE = 10_000;

/** Writes a plan and its rows, as a person would have them: a URL with an id, from a CSV file. Returns its path. */
export async function writePlan(
  folder: string,
  { url, calls, concurrency }: { url: string; calls: number; concurrency: number },
): Promise<string> {
  const rows = createWriteStream(join(folder, `rows-${calls}.csv`));
  rows.write("id,url\n");
  for (let first = 0; first < calls; first += ROWS_A_WRITE) {
    const length = Math.min(ROWS_A_WRITE, calls - first);
    const lines = Array.from({ length }, (_, index) => {
      const id = first + index;
      return `item-${id},${callUrl(url, id)}\n`;
    });
    if (!rows.write(lines.join(""))) await once(rows, "drain");
  }
  rows.end();
  await finished(rows);
  const path = join(folder, `bench-${calls}.yaml`);
  writeFileSync(
    path,
    `name: bench
lanes:
  default: { concurrency: ${concurrency} }
allow: ["127.0.0.1"]
from: rows-${calls}.csv
each:
  id: "{{ id }}"
  url: "{{ url }}"
`,
  );
  return path;
}
