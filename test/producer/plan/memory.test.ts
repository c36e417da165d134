import { createWriteStream, readdirSync, readlinkSync, realpathSync } from "node:fs";
import { finished } from "node:stream/promises";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test, vi } from "vitest";
import { readPlan } from "../../../producer/plan/read.ts";
import { makeFolder } from "./plan-files.ts";

const ROWS = 200_000;
const MAX_GROWTH_BYTES = 12_000_000;

/** What stays after everything unreachable has gone: the only measure that does not depend on the collector's mood. */
function makeCollector(): () => number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  return () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
}

async function writeRows(
  path: string,
  header: string,
  row: (index: number) => string,
): Promise<void> {
  const stream = createWriteStream(path);
  stream.write(header);
  for (let start = 0; start < ROWS; start += 10_000) {
    stream.write(Array.from({ length: 10_000 }, (_, index) => row(start + index)).join(""));
  }
  stream.end();
  await finished(stream);
}

const FILES = [
  ["rows.csv", "id,name\n", (n: number) => `customer-${n},"Name, ${n}"\n`],
  ["rows.jsonl", "", (n: number) => `{"id":"customer-${n},","name":"Name ${n}"}\n`],
] as const;

test.each(FILES)(
  "200,000 rows of %s are read in the memory of a few",
  async (name, header, row) => {
    const folder = makeFolder({
      "plan.yaml": `from: ${name}\neach: { id: "{{ id }}", url: "https://a.example/{{ id }}", json: { n: "{{ name }}" } }`,
    });
    await writeRows(join(folder, name), header, row);
    const plan = await readPlan({ path: join(folder, "plan.yaml"), spoolDir: folder, runId: "r" });
    const retainedBytes = makeCollector();
    let calls = 0;
    let before: number | undefined;
    let peak = 0;
    let measuredAt = 0;
    for await (const batch of plan.entries()) {
      calls += batch.length;
      // The first rows fill caches and compile code; what grows after that would grow for ever.
      before ??= retainedBytes();
      if (calls - measuredAt < ROWS / 8) continue;
      measuredAt = calls;
      peak = Math.max(peak, retainedBytes());
    }
    expect(calls).toBe(ROWS);
    expect(peak - (before ?? 0)).toBeLessThan(MAX_GROWTH_BYTES);
  },
);

/** How often this process holds the file open. */
function countOpen(path: string): number {
  return readdirSync("/proc/self/fd").filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`) === path;
    } catch {
      return false;
    }
  }).length;
}

test.runIf(process.platform === "linux")(
  "a reading that is broken off closes its file",
  async () => {
    const folder = realpathSync(makeFolder({}));
    const path = join(folder, "urls.txt");
    await writeRows(path, "", (n) => `https://a.example/${n}\n`);
    const plan = await readPlan({ path, spoolDir: folder, runId: "r" });
    for (let reading = 0; reading < 5; reading++) {
      for await (const batch of plan.entries()) {
        expect(batch.length).toBeGreaterThan(0);
        expect(countOpen(path)).toBeGreaterThan(0);
        break;
      }
    }
    await vi.waitFor(() => expect(countOpen(path)).toBe(0));
  },
);
