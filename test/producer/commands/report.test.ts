import { parse } from "csv-parse/sync";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as report from "../../../producer/commands/report.ts";
import type { ReportData } from "../../../producer/report/report-data.ts";
import { writeWhole } from "../../../producer/report/write-whole.ts";
import { makeFolder, runCommand } from "../../support/command-line.ts";
import { MemoryOutput } from "../../support/memory-output.ts";
import { fail, seedLedger, seedRun, succeed } from "../../support/seeded-ledger.ts";

async function makeState(): Promise<string> {
  const state = makeFolder();
  await seedLedger(state, (ledger) =>
    seedRun(ledger, { id: "run-1" }, 4, [succeed("c1"), fail("c2"), fail("c3", 503)]),
  );
  return state;
}

async function write(words: readonly string[], output?: MemoryOutput) {
  const state = await makeState();
  return runCommand(report, ["run-1", "--state", state, "--quiet", ...words], output);
}

test("a page goes to the file that is named, whatever was there, and leaves nothing beside it", async () => {
  const folder = makeFolder();
  const path = join(folder, "report.html");
  writeFileSync(path, "an older one");
  const { exitCode, output } = await write(["-o", path]);
  expect(exitCode).toBe(0);
  expect(output.text).toBe("");
  expect(readFileSync(path, "utf8")).toMatch(/^<!doctype html>[^]*<\/html>$/);
  expect(readdirSync(folder)).toEqual(["report.html"]);
});

test("a file's name says the format, and --format says it better", async () => {
  const folder = makeFolder();
  await write(["-o", join(folder, "a.md")]);
  await write(["-o", join(folder, "a.CSV")]);
  await write(["-o", join(folder, "a.txt"), "--format", "json"]);
  const first = (name: string): string => readFileSync(join(folder, name), "utf8").slice(0, 12);
  expect([first("a.md"), first("a.CSV"), first("a.txt")]).toEqual([
    "**`crm`: run",
    "run,id,lane,",
    '{"version":1',
  ]);
});

test("without a file, or with -, it goes to stdout", async () => {
  expect((await write([])).output.text).toContain("<!doctype html>");
  expect((await write(["-o", "-", "--format", "md"])).output.text).toContain("**`crm`");
});

test("no page is written to a terminal that was not asked to show it", async () => {
  await expect(write([], new MemoryOutput(80))).rejects.toThrow("a page is not for a terminal");
  const { output } = await write(["-o", "-"], new MemoryOutput(80));
  expect(output.text).toContain("<!doctype html>");
});

test("--json prints the data that the page shows", async () => {
  const { output } = await write(["--json"]);
  const data = JSON.parse(output.text) as ReportData;
  expect(output.lines).toHaveLength(1);
  expect(data).toMatchObject({
    version: 1,
    figures: { run: "run-1", planned: 4, succeeded: 1, failed: 2, pending: 1 },
    failures: [
      { reason: "exhausted", status: 503, count: 1 },
      { reason: "rejected", status: 404, count: 1 },
    ],
    lanes: [{ lane: "crm", calls: 4, succeeded: 1, failed: 2 }],
  });
});

test("a message for a chat says how it went, why calls failed and what makes them again", async () => {
  const { output } = await write(["--format", "md"]);
  expect(output.text).toMatch(/^\*\*`crm`: running for .*, 3 of 4 calls done\*\*$/m);
  expect(output.text).toContain("The run goes on");
  expect(output.text).toContain("- 4 calls · 1 succeeded · 2 failed · 1 to come\n");
  expect(output.text).toContain(
    "- **1** rejected 404: the API said that there is no such thing; such as `GET https://api.example.com/items/2`\n",
  );
  expect(output.text).toMatch(/Make them again: `npx senpu replay run-1 --state .*`\n$/);
});

test("csv has a line a call that other programs read, and formulas in no cell", async () => {
  const state = makeFolder();
  const ids = ['=cmd|"/c calc"!A0', "-1.5", "-1+1", 'a,"b"\nc'];
  await seedLedger(state, async (ledger) => {
    await seedRun(ledger, { id: "run-1" }, 1, [succeed("c1")]);
    const calls = ids.map((id) => ({
      id,
      lane: "crm",
      method: "GET",
      url: "https://a.example/?token=s3cret",
    }));
    await ledger.record([{ kind: "planned", run: "run-1", calls }], Date.now());
  });
  const { output } = await runCommand(report, ["run-1", "--state", state, "--format", "csv"]);
  const rows = parse<Record<string, string>>(output.text, { columns: true });
  expect(rows.map(({ id }) => id)).toEqual([
    "c1",
    `'=cmd|"/c calc"!A0`,
    "-1.5",
    "'-1+1",
    'a,"b"\nc',
  ]);
  expect(rows[0]).toMatchObject({ state: "succeeded", status: "200", latencyMs: "40", error: "" });
  expect(rows[1]).toMatchObject({ url: "https://a.example/?token=***", status: "" });
});

test("csv of many calls streams by, only as fast as the reader takes it", async () => {
  const state = makeFolder();
  await seedLedger(state, (ledger) => seedRun(ledger, { id: "run-1" }, 10_000));
  const output = new MemoryOutput();
  await runCommand(report, ["run-1", "--state", state, "--format", "csv"], output);
  expect(output.lines).toHaveLength(10_001);
  expect(output.mostBuffered).toBeLessThan(100_000);
});

test.each([
  [["--format", "pdf"], "--format pdf: give one of html, md, csv, json"],
  [["--json", "--format", "md"], "--json and --format md: give one of them"],
  [["-o", ""], "-o: name a file"],
  [["-o", "/dev/null/report.html"], "-o /dev/null/report.html: its folder is a file"],
  [["-o", "/no-such-folder/report.html"], "its folder does not exist"],
  [["-o", "/tmp"], "-o /tmp: that is a folder"],
])("%j is refused with what would be right", async (words, message) => {
  await expect(write(words)).rejects.toThrow(message);
});

test("a run that is not there is said to be missing, with those there are", async () => {
  const state = await makeState();
  const none = runCommand(report, ["other", "--state", state, "--json"]);
  await expect(none).rejects.toThrow('there is no run "other"; the newest: run-1 (crm)');
  const empty = makeFolder();
  const nothing = runCommand(report, ["--state", join(empty, "new"), "--json"]);
  await expect(nothing).rejects.toThrow("there is no run in");
  expect(readdirSync(empty)).toEqual([]);
});

test("what stood in a file stays when the new one breaks off, and nothing is left beside it", async () => {
  const folder = makeFolder();
  const path = join(folder, "calls.csv");
  writeFileSync(path, "an older one");
  function* breakOff(): Generator<string> {
    yield "half of it";
    throw new Error("the ledger is gone");
  }
  await expect(writeWhole(path, breakOff())).rejects.toThrow("the ledger is gone");
  await writeWhole(path, ["cut off by Ctrl-C"], () => false);
  expect(readFileSync(path, "utf8")).toBe("an older one");
  expect(readdirSync(folder)).toEqual(["calls.csv"]);
});
