import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import * as prune from "../../../producer/commands/prune.ts";
import { openSqliteCoordination } from "../../../shared/coordination/sqlite-coordination.ts";
import { openSqliteLedger } from "../../../shared/ledger/sqlite-ledger.ts";
import { attachBroker } from "../../../shared/state/held-broker.ts";
import { connect, startEmbedded } from "../../shared/broker/embedded.ts";
import type { Recorded } from "../../shared/ledger/record-steadily.ts";
import { makeFolder, runCommand } from "../../support/command-line.ts";
import { seedLedger, seedRun, succeed } from "../../support/seeded-ledger.ts";
import { edit } from "../doctor/examined-folder.ts";

const DAY_MS = 86_400_000;
const CALLS_AT_ONCE = 20_000;

/** A folder with a run of 40 days ago that has so many calls, each with its outcome. */
async function folderWithCalls(calls: number): Promise<string> {
  const state = makeFolder();
  await seedLedger(state, async (ledger) => {
    await seedRun(ledger, { id: "old", createdAt: Date.now() - 40 * DAY_MS }, 0);
    for (let from = 0; from < calls; from += CALLS_AT_ONCE) {
      const ids = Array.from({ length: CALLS_AT_ONCE }, (_, index) => `c${from + index}`);
      const base = { lane: "crm", method: "GET" } as const;
      const rows = ids.map((id) => ({ ...base, id, url: `https://api.example.com/items/${id}` }));
      const outcomes = ids.map((id) => succeed(id));
      await ledger.record(
        [
          { kind: "planned", run: "old", calls: rows },
          { kind: "outcomes", run: "old", lane: "crm", worker: "w", outcomes },
        ],
        Date.now(),
      );
    }
  });
  return state;
}

async function pruneFolder(state: string): Promise<prune.PruneResult> {
  const { output } = await runCommand(prune, ["--json", "--older-than", "30d", "--state", state]);
  return JSON.parse(output.text) as prune.PruneResult;
}

const bytesOf = (folder: string): number =>
  (readdirSync(folder, { recursive: true }) as string[])
    .map((name) => statSync(join(folder, name)))
    .reduce((sum, found) => sum + (found.isFile() ? found.size : 0), 0);

test("a folder of 200,000 recorded calls shrinks to next to nothing, and the sizes are told", async () => {
  const state = await folderWithCalls(200_000);
  const before = bytesOf(state);
  expect(before).toBeGreaterThan(15_000_000);
  const result = await pruneFolder(state);
  expect(bytesOf(state)).toBeLessThan(300_000);
  expect(result.sizes?.before.ledger).toBeGreaterThan(15_000_000);
  expect(result.sizes?.after.ledger).toBeLessThan(200_000);
  expect(result.freedBytes).toBeGreaterThan(15_000_000);
});

test("beside a process that records, neither waits long for the other", async () => {
  const state = await folderWithCalls(60_000);
  const path = join(state, "ledger.db");
  const recorder = fork(
    new URL("../../shared/ledger/record-steadily.ts", import.meta.url),
    [path],
    {
      execArgv: ["--disable-warning=ExperimentalWarning"],
    },
  );
  onTestFinished(() => void recorder.kill("SIGKILL"));
  await once(recorder, "message");
  const result = await pruneFolder(state);
  const ended = once(recorder, "message") as Promise<[Recorded]>;
  recorder.send("enough");
  const [{ batches, longestMs }] = await ended;
  expect(result.runs).toEqual(["old"]);
  expect(batches).toBeGreaterThan(5);
  // A lock that is waited for in vain takes ten seconds.
  expect(longestMs).toBeLessThan(5_000);
  const ledger = openSqliteLedger(path);
  onTestFinished(() => ledger.close());
  expect(await ledger.figures("live", Date.now())).toMatchObject({ planned: batches });
});

test("a reader that goes on for long keeps the log as it is, and nobody waiting", async () => {
  const state = await folderWithCalls(20_000);
  const path = join(state, "ledger.db");
  const reader = new DatabaseSync(path, { readOnly: true });
  onTestFinished(() => reader.close());
  reader.exec("BEGIN");
  const count = reader.prepare("SELECT count(*) AS n FROM calls");
  expect(count.get()).toEqual({ n: 20_000 });
  const startedAt = performance.now();
  expect((await pruneFolder(state)).runs).toEqual(["old"]);
  expect(performance.now() - startedAt).toBeLessThan(6_000);
  expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
  expect(count.get()).toEqual({ n: 20_000 });
  reader.exec("COMMIT");
  // The next finds the rest.
  await pruneFolder(state);
  expect(bytesOf(state)).toBeLessThan(300_000);
});

test("coordination's file becomes smaller too", async () => {
  const state = await folderWithCalls(0);
  const coordination = openSqliteCoordination(join(state, "coordination.db"), () => 0);
  for (let chunk = 0; chunk < 300; chunk++) {
    const checkpoint = { done: Array.from({ length: 500 }, (_, n) => n), attempts: {} };
    await coordination.writeCheckpoint(`old/1/${chunk}`, checkpoint, 0);
  }
  await coordination.close();
  const { sizes } = await pruneFolder(state);
  expect(sizes?.before.coordination).toBeGreaterThan(400_000);
  expect(sizes?.after.coordination).toBeLessThan(150_000);
});

test("old copies of databases go, and young ones stay", async () => {
  const state = await folderWithCalls(0);
  const longAgo = Date.now() / 1_000 - 40 * 86_400;
  const names = ["ledger-v1.db", "coordination-v1.db", "ledger-kept-20260101-000000.db"];
  for (const name of names) {
    writeFileSync(join(state, name), "copy");
    utimesSync(join(state, name), longAgo, longAgo);
  }
  for (const name of ["ledger-v2.db", "ledger-mine.db"]) writeFileSync(join(state, name), "copy");
  const result = await pruneFolder(state);
  expect(result.copies).toBe(3);
  expect(names.filter((name) => existsSync(join(state, name)))).toEqual([]);
  expect(readdirSync(state)).toEqual(expect.arrayContaining(["ledger-v2.db", "ledger-mine.db"]));
});

test("messages past their queue's retention go once no broker runs; what is for the ledger stays", async () => {
  const state = await folderWithCalls(0);
  const dataDir = join(state, "broker");
  const embedded = await startEmbedded({ dataDir });
  const broker = connect(embedded.endpointUrl);
  await broker.ensure(["crm"]);
  const queues = ["lane-crm", "lane-crm-failed", "ledger", "ledger-dead"];
  for (const queue of queues) await broker.send(queue, [{ body: "old" }, { body: "young" }]);
  await broker.close();
  await embedded.stop();
  const longAgo = Date.now() - 40 * DAY_MS;
  edit(
    join(dataDir, "fauxqs.db"),
    `UPDATE sqs_messages SET sent_timestamp = ${longAgo} WHERE body = 'old'`,
  );
  const held = await attachBroker({ state });
  expect((await pruneFolder(state)).messages).toBeNull();
  await held.close();
  expect((await pruneFolder(state)).messages).toBe(2);
  const again = connect((await startEmbedded({ dataDir })).endpointUrl);
  const left = await Promise.all(queues.map(async (queue) => (await again.depth(queue)).visible));
  expect(left).toEqual([1, 1, 2, 2]);
});
