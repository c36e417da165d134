import { randomBytes } from "node:crypto";
import { readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createBroker } from "../../../shared/broker/aws-broker.ts";
import { startFauxqs } from "../../../shared/broker/fauxqs-broker.ts";
import { CLAIM_KEPT_MS } from "../../../shared/claims/claim-store.ts";
import { openFolderAnswers } from "../../../shared/answers/folder-answers.ts";
import { openFolderClaims } from "../../../shared/claims/folder-claims.ts";
import { openSqliteCoordination } from "../../../shared/coordination/sqlite-coordination.ts";
import * as prune from "../../../producer/commands/prune.ts";
import * as runs from "../../../producer/commands/runs.ts";
import { makeFolder, runCommand } from "../../support/command-line.ts";
import { seedLedger, seedRun, succeed } from "../../support/seeded-ledger.ts";

const DAY_MS = 86_400_000;

/** An old run that settled, an old one that still runs, an old one whose owner died, and a young one. */
async function makeRuns(): Promise<string> {
  const state = makeFolder();
  const now = Date.now();
  await seedLedger(state, async (ledger) => {
    await seedRun(ledger, { id: "old", createdAt: now - 40 * DAY_MS }, 1, [succeed("c1")]);
    await seedRun(ledger, { id: "old.2", createdAt: now - 39 * DAY_MS }, 1);
    await ledger.beat("old.2", now);
    await seedRun(ledger, { id: "dead", createdAt: now - 38 * DAY_MS }, 1);
    await seedRun(ledger, { id: "young", createdAt: now - DAY_MS }, 1, [succeed("c1")]);
  });
  for (const name of ["old.jsonl", "old.2.jsonl", "young.jsonl", "nobody.jsonl", "new.jsonl"]) {
    writeFileSync(join(state, "spool", name), "{}\n");
  }
  const longAgo = (now - 40 * DAY_MS) / 1_000;
  for (const name of ["old.2.jsonl", "nobody.jsonl"]) {
    utimesSync(join(state, "spool", name), longAgo, longAgo);
  }
  return state;
}

async function runIds(state: string): Promise<string[]> {
  const { output } = await runCommand(runs, ["--json", "--state", state]);
  return output.lines.map((line) => (JSON.parse(line) as { run: string }).run);
}

test("old runs go with their spool files; running and young ones stay", async () => {
  const state = await makeRuns();
  const { exitCode, output } = await runCommand(prune, ["--older-than", "30d", "--state", state]);
  expect(exitCode).toBe(0);
  expect(await runIds(state)).toEqual(["young", "old.2"]);
  expect(readdirSync(join(state, "spool")).toSorted()).toEqual([
    "new.jsonl",
    "old.2.jsonl",
    "young.jsonl",
  ]);
  expect(output.text).toMatch(/ {2}old {2}.* {2}crm {2}1 call\n/);
  expect(output.text).toMatch(/Forgot 2 runs and 2 copies of standard input/);
});

test("a dry run names what would go, and removes nothing", async () => {
  const state = await makeRuns();
  const words = ["--older-than", "30d", "--json", "--state", state];
  const { output: dry } = await runCommand(prune, [...words, "--dry-run"]);
  expect(await runIds(state)).toHaveLength(4);
  expect(readdirSync(join(state, "spool"))).toHaveLength(5);
  const { output: wet } = await runCommand(prune, words);
  const [planned, done] = [dry, wet].map(({ text }) => JSON.parse(text) as prune.PruneResult);
  expect(planned).toMatchObject({ dryRun: true, spoolFiles: 2 });
  expect(done).toMatchObject({ dryRun: false, spoolFiles: 2 });
  expect(planned?.runs.toSorted()).toEqual(["dead", "old"]);
  expect(done?.runs.toSorted()).toEqual(["dead", "old"]);
});

test("where nothing is old, it says so", async () => {
  const { output } = await runCommand(prune, ["--older-than", "50d", "--state", await makeRuns()]);
  expect(output.text).toContain("Nothing to prune");
});

test("where nothing ever ran, it makes nothing", async () => {
  const folder = makeFolder();
  const { exitCode, output } = await runCommand(prune, ["--state", folder]);
  expect(exitCode).toBe(0);
  expect(output.text).toContain("Nothing to prune");
  expect(readdirSync(folder)).toEqual([]);
});

test("an age without a unit is refused with what would be right", async () => {
  await expect(runCommand(prune, ["--older-than", "30"])).rejects.toThrow(
    "--older-than 30: give a number and a unit, such as 30m, 12h or 30d",
  );
});

test("what only coordination and the broker keep goes too, and the broker's file becomes smaller", async () => {
  const state = await makeRuns();
  const embedded = await startFauxqs({ dataDir: join(state, "broker") });
  const broker = createBroker({ endpointUrl: embedded.endpointUrl });
  await broker.ensure(["default"]);
  const body = randomBytes(150_000).toString("base64");
  await broker.send(
    "lane-default",
    Array.from({ length: 20 }, () => ({ body })),
  );
  for (let left = 20; left > 0;) {
    const got = await broker.receive("lane-default", { maxMessages: 10, waitSeconds: 1 });
    await broker.remove(
      "lane-default",
      got.map(({ receipt }) => receipt),
    );
    left -= got.length;
  }
  await broker.close();
  await embedded.stop();
  const coordination = openSqliteCoordination(join(state, "coordination.db"), () => 0);
  await coordination.writeCheckpoint("old/1/0", { done: [], attempts: {} }, 0);

  const { output } = await runCommand(prune, ["--json", "--older-than", "30d", "--state", state]);
  expect((JSON.parse(output.lines[0] ?? "") as { freedBytes: number }).freedBytes).toBeGreaterThan(
    3_000_000,
  );
  expect(await coordination.readCheckpoint("old/1/0")).toBeUndefined();
  await coordination.close();
});

test("large calls of a forgotten run stay for as long as a letter may be replayed, and go then", async () => {
  const state = await makeRuns();
  const claims = openFolderClaims(join(state, "claims"));
  for (const run of ["old", "young"]) await claims.put(run, Buffer.from("{}"));
  const words = ["--older-than", "30d", "--state", state];
  const kept = (): string[] => readdirSync(join(state, "claims")).filter((name) => name[0] !== ".");
  await runCommand(prune, [...words, "--dry-run"]);
  await runCommand(prune, words);
  expect(await runIds(state)).not.toContain("old");
  await runCommand(prune, words);
  expect(kept().toSorted()).toEqual(["old", "young"]);
  const mark = join(state, "claims", ".forgotten", "old");
  const almost = (Date.now() - CLAIM_KEPT_MS + DAY_MS) / 1_000;
  utimesSync(mark, almost, almost);
  await runCommand(prune, words);
  expect(kept()).toHaveLength(2);
  utimesSync(mark, almost - 2 * 86_400, almost - 2 * 86_400);
  await runCommand(prune, words);
  expect(kept()).toEqual(["young"]);
});

test("saved answers of a forgotten run go with it, and those of a young one stay", async () => {
  const state = await makeRuns();
  const answers = openFolderAnswers(join(state, "answers"));
  for (const run of ["old", "young"]) await answers.write(run, [Buffer.from("{}")]);
  const words = ["--older-than", "30d", "--state", state];
  await runCommand(prune, [...words, "--dry-run"]);
  expect(readdirSync(join(state, "answers")).toSorted()).toEqual(["old", "young"]);
  await runCommand(prune, words);
  expect(readdirSync(join(state, "answers"))).toEqual(["young"]);
});
