import { join } from "node:path";
import { expect, test } from "vitest";
import * as status from "../../../producer/commands/status.ts";
import { openSqliteCoordination } from "../../../shared/coordination/sqlite-coordination.ts";
import { SenpuError } from "../../../shared/errors.ts";
import { makeFolder, runCommand } from "../../support/command-line.ts";
import { MemoryOutput } from "../../support/memory-output.ts";
import { fail, seedLedger, seedRun, succeed } from "../../support/seeded-ledger.ts";

async function makeRuns(): Promise<string> {
  const state = makeFolder();
  const createdAt = Date.now() - 60_000;
  await seedLedger(state, async (ledger) => {
    await seedRun(ledger, { id: "first-1", createdAt }, 3, [
      succeed("c1"),
      fail("c2"),
      fail("c3", 503),
    ]);
    await seedRun(ledger, { id: "first-2", createdAt: createdAt + 1, parent: "first-1" }, 1, [
      succeed("c1"),
    ]);
  });
  return state;
}

test("--json prints exactly the figures", async () => {
  const { exitCode, output } = await runCommand(status, [
    "first-1",
    "--state",
    await makeRuns(),
    "--json",
  ]);
  expect(exitCode).toBe(0);
  expect(output.lines).toHaveLength(1);
  expect(JSON.parse(output.text)).toEqual({
    run: "first-1",
    name: "crm",
    state: "settled",
    parent: null,
    planned: 3,
    succeeded: 1,
    failed: 2,
    cancelled: 0,
    pending: 0,
    attempts: 7,
    duplicates: 0,
    elapsedMs: expect.any(Number),
    latencyMs: {
      p50: expect.any(Number),
      p95: expect.any(Number),
      p99: expect.any(Number),
      max: 40,
    },
    failures: expect.arrayContaining([
      { reason: "rejected", status: 404, count: 1 },
      { reason: "exhausted", status: 503, count: 1 },
    ]),
  });
});

async function makeRunning(): Promise<string> {
  const state = makeFolder();
  const settings = JSON.stringify({ lanes: [{ name: "crm" }] });
  await seedLedger(state, (ledger) => seedRun(ledger, { id: "r", settings }, 3, [succeed("c1")]));
  const coordination = openSqliteCoordination(join(state, "coordination.db"));
  const [lane, now] = ["crm", Date.now()];
  const limits = {
    concurrency: 40,
    minConcurrency: 2,
    rate: { count: 20, perMs: 1_000, burst: 5 },
  };
  await coordination.claimLanes("r", [
    { lane, ...limits },
    { lane: "*", concurrency: Infinity, rate: { count: 50, perMs: 1_000 } },
  ]);
  await coordination.claimLanes("another", [{ lane: "mail", concurrency: 3 }]);
  const lease = { lane, worker: "w", wanted: 6, held: 0, limit: 40, ttlMs: 60_000, now };
  await coordination.lease(lease);
  await coordination.refuse({
    lane,
    origin: "https://api.example.com",
    floor: 2,
    ceiling: 40,
    adapts: true,
    startedAt: now,
    effect: "closes",
    cause: "429",
    until: now + 90_000,
    pauseMs: 10,
    maxPauseMs: 1_000,
    now,
  });
  await coordination.close();
  return state;
}

test("of a run under way, each lane's limits, and destinations that are closed or narrowed", async () => {
  const { output } = await runCommand(status, ["--state", await makeRunning()]);
  expect(output.text).toMatch(
    /Lanes\n {2}all lanes: any number in flight · 50\/s · 0 slots leased by 0 workers\n {2}crm: 2–40 in flight · 20\/s · bursts of 5 · 6 slots leased by 1 worker\n {4}api\.example\.com: closed 1 m (29|30) s: 429 · window 2\n/,
  );
  expect(output.text).not.toContain("mail");
});

test("--json of a run under way has its lanes beside the figures", async () => {
  const { output } = await runCommand(status, ["--state", await makeRunning(), "--json"]);
  const { lanes, ...figures } = JSON.parse(output.text) as { lanes: unknown };
  expect(figures).toMatchObject({ run: "r", state: "running", pending: 2 });
  expect(lanes).toMatchObject([
    { lane: "*", concurrency: null, minConcurrency: null, rate: { count: 50 }, destinations: [] },
    {
      lane: "crm",
      concurrency: 40,
      minConcurrency: 2,
      workers: 1,
      leased: 6,
      destinations: [
        { origin: "https://api.example.com", state: "closed", cause: "429", window: 2 },
      ],
    },
  ]);
});

test("for a person: summary with examples, lineage, and what happened", async () => {
  const { output } = await runCommand(
    status,
    ["first-1", "--state", await makeRuns()],
    new MemoryOutput(80),
  );
  expect(output.text).toContain("crm: 2 of 3 calls failed");
  expect(output.text).toContain("c2: GET https://api.example.com/items/2");
  expect(output.text).toMatch(
    /Lineage\n {2}replayed by first-2 \(.*\): settled, 0 of 1 call failed\n/,
  );
  expect(output.text).toMatch(/What happened\n {2}\d\d:\d\d:\d\d {2}created/);
});

test("the newest run when none is named, with the run that it replays", async () => {
  const { output } = await runCommand(status, ["--state", await makeRuns()]);
  expect(output.text).toContain("run first-2 · replays first-1");
  expect(output.text).toMatch(
    /Lineage\n {2}replays first-1 \(.*\): settled, 2 of 3 calls failed\n/,
  );
});

test("--watch of a run that has ended prints it at once", async () => {
  const { output } = await runCommand(status, ["--watch", "--quiet", "--state", await makeRuns()]);
  expect(output.text).toContain("run first-2");
});

test("a prefix that fits one run is enough, and one that fits several is refused with their names", async () => {
  const state = await makeRuns();
  await seedLedger(state, (ledger) => seedRun(ledger, { id: "other" }, 1));
  const { output } = await runCommand(status, ["oth", "--state", state, "--json"]);
  expect(JSON.parse(output.text)).toMatchObject({ run: "other" });
  await expect(runCommand(status, ["first", "--state", state])).rejects.toThrow(
    '"first" fits 2 runs; give more of it: first-2 (crm), first-1 (crm)',
  );
});

test("the end of an id is enough too, as ids begin with the time", async () => {
  const state = await makeRuns();
  await seedLedger(state, (ledger) => seedRun(ledger, { id: "20261122t230440-4ef862" }, 1));
  const { output } = await runCommand(status, ["4ef862", "--state", state, "--json"]);
  expect(JSON.parse(output.text)).toMatchObject({ run: "20261122t230440-4ef862" });
});

test("an unknown run is refused with the newest that there are", async () => {
  const refused = runCommand(status, ["nope", "--state", await makeRuns()]);
  await expect(refused).rejects.toThrow(
    'there is no run "nope"; the newest: first-2 (crm), first-1 (crm)',
  );
});

test("where nothing ran it is an error of usage", async () => {
  const error: unknown = await runCommand(status, ["--state", makeFolder()]).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SenpuError);
  expect(error).toMatchObject({ exitCode: 2, message: expect.stringContaining("npx senpu demo") });
});
