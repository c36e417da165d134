import { expect, test } from "vitest";
import * as calls from "../../../producer/commands/calls.ts";
import { widthOf } from "../../../shared/terminal/fit.ts";
import { makeFolder, runCommand } from "../../support/command-line.ts";
import { MemoryOutput } from "../../support/memory-output.ts";
import { fail, seedLedger, seedRun, succeed } from "../../support/seeded-ledger.ts";

async function makeRun(): Promise<string> {
  const state = makeFolder();
  await seedLedger(state, (ledger) =>
    seedRun(ledger, { id: "run-1" }, 5, [
      succeed("c1"),
      fail("c2"),
      fail("c3", 503),
      fail("c4", 500),
    ]),
  );
  return state;
}

async function idsOf(words: readonly string[], state?: string): Promise<unknown[]> {
  const { output } = await runCommand(calls, [
    "run-1",
    "--json",
    "--state",
    state ?? (await makeRun()),
    ...words,
  ]);
  return output.lines.map((line) => (JSON.parse(line) as { id: string }).id);
}

test("--json prints exactly the rows, a line each", async () => {
  const { exitCode, output } = await runCommand(calls, [
    "run-1",
    "--state",
    await makeRun(),
    "--json",
    "--id",
    "c2",
  ]);
  expect(exitCode).toBe(0);
  expect(JSON.parse(output.text)).toEqual({
    run: "run-1",
    id: "c2",
    lane: "crm",
    method: "GET",
    url: "https://api.example.com/items/2",
    state: "failed",
    reason: "rejected",
    status: 404,
    attempts: 1,
    startedAt: "1970-01-01T00:00:01.000Z",
    settledAt: "1970-01-01T00:00:01.040Z",
    latencyMs: 40,
    error: "404 no such item",
    worker: "w1",
  });
});

test.each([
  [
    ["--reason", "exhausted"],
    ["c3", "c4"],
  ],
  [["--status", "503"], ["c3"]],
  [
    ["--status", "5XX"],
    ["c3", "c4"],
  ],
  [
    ["--host", "API.example.com", "--limit", "2"],
    ["c1", "c2"],
  ],
  [["--lane", "other"], []],
  [["--state", "pending"], ["c5"]],
  [["--state", "failed", "--status", "404"], ["c2"]],
])("%j chooses %j", async (words, ids) => {
  expect(await idsOf(words)).toEqual(ids);
});

test("--state takes a call's state and a folder, in either order", async () => {
  const state = await makeRun();
  const { output } = await runCommand(calls, [
    "run-1",
    "--json",
    "--state",
    "succeeded",
    "--state",
    state,
  ]);
  expect(output.lines).toHaveLength(1);
  expect(await idsOf(["--state", "succeeded"], state)).toEqual(["c1"]);
});

test.each([
  [["--status", "700"], "--status 700: give a status such as 503, or a class of them such as 5xx"],
  [["--reason", "broken"], "--reason broken: give one of rejected, exhausted"],
  [["--limit", "1.5"], "--limit 1.5: give a whole number from 1"],
  [["--state", "fialed"], "a call's state: pending, cancelled, failed, succeeded"],
])("%j is refused with what would be right", async (words, message) => {
  await expect(idsOf(words)).rejects.toThrow(message);
});

test("into a pipe it writes a line a call, with tabs between", async () => {
  const { output } = await runCommand(calls, [
    "run",
    "--state",
    await makeRun(),
    "--status",
    "404",
  ]);
  expect(output.text).toBe(
    "c2\tfailed\trejected\t404\t1\t40\tcrm\tGET\thttps://api.example.com/items/2\t404 no such item\n",
  );
});

test("on a terminal it writes a table that fits", async () => {
  const { output } = await runCommand(
    calls,
    ["run-1", "--state", await makeRun()],
    new MemoryOutput(80),
  );
  expect(output.lines).toEqual([
    "ID  RESULT         TRIES   TIME  CALL https://api.example.com  ERROR",
    "c1  succeeded 200      1  40 ms  GET /items/1",
    "c2  rejected 404       1  40 ms  GET /items/2                  404 no such item",
    "c3  exhausted 503      5  40 ms  GET /items/3                  503 try later",
    "c4  exhausted 500      5  40 ms  GET /items/4                  500 try later",
    "c5  pending            0         GET /items/5",
  ]);
  for (const line of output.lines) expect(widthOf(line)).toBeLessThanOrEqual(80);
});

test("where calls go to several APIs, each row has its whole URL", async () => {
  const state = makeFolder();
  await seedLedger(state, async (ledger) => {
    await seedRun(ledger, { id: "run-1" }, 1);
    const call = { id: "x", lane: "other", method: "POST", url: "http://other.example/x" };
    await ledger.record([{ kind: "planned", run: "run-1", calls: [call] }], Date.now());
  });
  const { output } = await runCommand(calls, ["run-1", "--state", state], new MemoryOutput(100));
  expect(output.lines).toEqual([
    "ID  RESULT   TRIES  TIME  LANE   CALL",
    "c1  pending      0        crm    GET https://api.example.com/items/1",
    "x   pending      0        other  POST http://other.example/x",
  ]);
});

test("many calls stream by, only as fast as the reader takes them", async () => {
  const state = makeFolder();
  await seedLedger(state, (ledger) => seedRun(ledger, { id: "run-1" }, 20_000));
  const output = new MemoryOutput();
  await runCommand(calls, ["run-1", "--json", "--state", state], output);
  expect(output.lines).toHaveLength(20_000);
  expect(output.mostBuffered).toBeLessThan(100_000);
});
