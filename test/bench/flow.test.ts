import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { makeFolder } from "../support/command-line.ts";
import { bar, columnChart } from "./flow/chart.ts";
import type { FlowReport } from "./flow/flow.ts";
import { countWindows, meanInFlight, spanOf } from "./flow/log.ts";
import type { ServedRequest } from "./flow/server.ts";

const FLOW = fileURLToPath(new URL("./flow/flow.ts", import.meta.url));
const runFile = promisify(execFile);

test("the smallest scenario prints its table, and its figures go into a file", async () => {
  const json = join(makeFolder(), "flow.json");
  const args = ["--short", "--only", "ideal", "--json", json];
  const { stdout, stderr } = await runFile(process.execPath, [FLOW, ...args]);
  const lines = stdout.split("\n");
  expect(stderr).toBe("ideal: round 1 of 1: 100 calls, 50 at once\n");
  expect(lines[0]).toMatch(/^ideal: Calls of 100 ± 50 ms, 50 at once/);
  expect(lines[2]).toMatch(/^DURATION +MEDIAN +MIN–MAX +OF THE IDEAL$/);
  expect(lines[6]).toMatch(/^the whole command +\d+\.\d\d s +\S+ s–\S+ s +\d+\.\d{3}$/);
  expect(lines.every((line) => line.length <= 80)).toBe(true);

  const report = JSON.parse(readFileSync(json, "utf8")) as FlowReport;
  expect(report).toMatchObject({
    machine: { node: process.version },
    options: { isShort: true, only: ["ideal"] },
  });
  expect(Object.keys(report.scenarios)).toEqual(["ideal"]);
  const ideal = report.scenarios["ideal"] as {
    readonly boundMs: number;
    readonly idealMs: number;
    readonly rounds: readonly { readonly insideMs: number; readonly wholeMs: number }[];
  };
  expect(ideal.idealMs).toBeGreaterThanOrEqual(ideal.boundMs);
  const [round] = ideal.rounds;
  // Whatever the machine: the server takes that long for them at the least.
  expect(round?.insideMs).toBeGreaterThan(ideal.boundMs * 0.98);
  expect(round?.wholeMs).toBeGreaterThan(round?.insideMs ?? Infinity);
});

test("an unknown scenario is refused with those there are", async () => {
  const refused = runFile(process.execPath, [FLOW, "--only", "fast"]);
  await expect(refused).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--only fast: one of rate, dynamo, closed, lanes") as string,
  });
});

const served = (arrivedAt: number, endedAt: number | null, status = 200): ServedRequest => ({
  lane: "api",
  arrivedAt,
  endedAt,
  status,
});

test("windows begin with an arrival, end before the last one, and hold what arrives within them", () => {
  const requests = [0, 400, 999, 1_000, 1_700, 2_500].map((at) => served(at, at + 10));
  expect(countWindows(requests, 1_000)).toEqual([3, 3, 3, 2]);
  expect(countWindows(requests.slice(0, 3), 1_000)).toEqual([]);
  expect(spanOf(requests)).toBe(2_510);
});

test("in flight is what was being answered and was not refused, with what is open still", () => {
  const requests = [served(0, 100), served(50, 60, 429), served(50, 150), served(90, null)];
  expect(meanInFlight(requests, 0, 100)).toBeCloseTo(1.6);
  expect(meanInFlight(requests, 200, 300)).toBeCloseTo(1);
});

test("charts show the least there is, no more than their width, and levels where no column covers them", () => {
  expect([bar(0, 10), bar(0.001, 10), bar(0.55, 10), bar(2, 10)]).toEqual([
    "",
    "▏",
    "█████▌",
    "██████████",
  ]);
  const ticks = [
    { column: 0, text: "|a" },
    { column: 1, text: "|hidden" },
    { column: 3, text: "|b" },
  ];
  const values = [0, 0.01, 10, 15, 20];
  const chart = columnChart({ values, most: 20, height: 2, levels: [20, 20, 10, 10, 20], ticks });
  expect(chart).toEqual(["20 ┄┄ ▄█", " 0  ▁███", "   |a |b"]);
});
