import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { makeFolder } from "../support/command-line.ts";
import type { BenchReport } from "./bench.ts";

const BENCH = fileURLToPath(new URL("./bench.ts", import.meta.url));
const runFile = promisify(execFile);

test("a small bench measures both contestants, and every call reached the server once", async () => {
  const json = join(makeFolder(), "bench.json");
  const args = ["--calls", "200", "--rounds", "1", "--only", "bare,senpu", "--json", json];
  const { stdout } = await runFile(process.execPath, [BENCH, ...args]);
  const lines = stdout.split("\n");
  expect(lines[0]).toMatch(/^CONTESTANT +CALLS +CALLS\/S +MIN–MAX +RATIO +INSIDE +MEMORY$/);
  expect(lines.every((line) => line.length <= 80)).toBe(true);

  const report = JSON.parse(readFileSync(json, "utf8")) as BenchReport;
  expect(report).toMatchObject({
    machine: { node: process.version },
    options: { mode: "compare", calls: 200, rounds: 1, concurrency: 64 },
    comparison: { skipped: [] },
  });
  expect(report.comparison?.contestants.map(({ name }) => name)).toEqual(["bare", "senpu"]);
  for (const { callsPerSecond, ratio, rounds } of report.comparison?.contestants ?? []) {
    expect(callsPerSecond.median).toBeGreaterThan(0);
    expect(ratio).toBeGreaterThan(0);
    expect(rounds).toMatchObject([{ calls: 200, succeeded: 200, served: 200 }]);
  }
});

test("an unknown contestant is refused with those there are", async () => {
  const refused = runFile(process.execPath, [BENCH, "--only", "curl"]);
  await expect(refused).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--only curl: one of bare, dispatch, senpu") as string,
  });
});
