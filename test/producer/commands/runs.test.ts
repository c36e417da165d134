import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import * as runs from "../../../producer/commands/runs.ts";
import { HEARTBEAT_DEAD_MS } from "../../../shared/ledger/ledger.ts";
import { makeFolder, runCommand } from "../../support/command-line.ts";
import { MemoryOutput } from "../../support/memory-output.ts";
import { fail, seedLedger, seedRun, succeed } from "../../support/seeded-ledger.ts";

async function makeRuns(): Promise<string> {
  const state = makeFolder();
  const now = Date.now();
  await seedLedger(state, async (ledger) => {
    await seedRun(ledger, { id: "run-a", createdAt: now - 90_000 }, 2, [succeed("c1"), fail("c2")]);
    await seedRun(ledger, { id: "run-b", createdAt: now - 60_000 }, 1);
    await ledger.beat("run-b", now - HEARTBEAT_DEAD_MS - 5_000);
    await seedRun(ledger, { id: "run-c", createdAt: now - 5_000, name: "nightly" }, 1_500);
    await ledger.beat("run-c", now);
  });
  return state;
}

test("a table fitted to the terminal, the newest run first", async () => {
  const { exitCode, output } = await runCommand(
    runs,
    ["--state", await makeRuns()],
    new MemoryOutput(80),
  );
  expect(exitCode).toBe(0);
  expect(output.lines[0]).toMatch(/^RUN    NAME     STATE        PLANNED  FAILED  STARTED +TOOK$/);
  expect(output.lines[1]).toMatch(
    /^run-c  nightly  running        1,500       0  \d{4}-\d\d-\d\d \d\d:\d\d +\d/,
  );
  expect(output.lines[2]).toMatch(/^run-b  crm      interrupted        1 /);
  expect(output.lines[3]).toMatch(/^run-a  crm      settled            2       1 /);
});

test("--json prints a line a run; --limit takes the newest", async () => {
  const { output } = await runCommand(runs, [
    "--state",
    await makeRuns(),
    "--json",
    "--limit",
    "2",
  ]);
  const rows = output.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(rows).toMatchObject([
    { run: "run-c", name: "nightly", state: "running", planned: 1_500, pending: 1_500 },
    { run: "run-b", state: "interrupted", parent: null, planned: 1, failed: 0 },
  ]);
});

test("where nothing ran, it says how to begin, and makes no folder", async () => {
  const folder = makeFolder();
  const { exitCode, output } = await runCommand(runs, ["--state", folder]);
  expect(exitCode).toBe(0);
  expect(output.text).toContain("npx senpu demo");
  expect(readdirSync(folder)).toEqual([]);
});

test("where nothing ran, --json prints nothing", async () => {
  const { output } = await runCommand(runs, ["--state", makeFolder(), "--json"]);
  expect(output.text).toBe("");
});

test("a limit that is no number is refused with what would be right", async () => {
  await expect(runCommand(runs, ["--limit", "0"])).rejects.toThrow(
    "--limit 0: give a whole number from 1",
  );
});
