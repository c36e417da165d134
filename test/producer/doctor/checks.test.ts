import { spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openSqliteCoordination } from "../../../shared/coordination/sqlite-coordination.ts";
import { attachBroker } from "../../../shared/state/held-broker.ts";
import { StateLock } from "../../../shared/state/state-lock.ts";
import { makeFolder } from "../../support/command-line.ts";
import { seedLedger, seedRun, succeed } from "../../support/seeded-ledger.ts";
import { connect, startEmbedded } from "../../shared/broker/embedded.ts";
import {
  breakPages,
  edit,
  editLedger,
  examine,
  examineAt,
  expectNoProblem,
  leafPages,
  soundFolder,
  told,
} from "./examined-folder.ts";

const MINUTE_MS = 60_000;

/** Of a process that has ended. */
const deadPid = (): number => spawnSync(process.execPath, ["--version"]).pid;

test("a sound folder has no problem, and not a byte of it changes", async () => {
  const state = await soundFolder();
  const files = ["ledger.db", "coordination.db"].map((name) => join(state, name));
  const before = files.map((file) => readFileSync(file));
  const result = await examine(state, "--thorough");
  expectNoProblem(result);
  expect(result.repairs).toEqual([]);
  expect(told(result, "ledger", "ok")).toMatch(/^sound, every index entry .* 2 runs, 5 calls/);
  expect(told(result, "runtime", "ok")).toMatch(/^Node 24\..*SQLite 3\./);
  expect(told(result, "ports", "ok")).toMatch(/^127\.0\.0\.1 .*can be listened on/);
  expect(told(result, "files", "ok")).toMatch(/^ledger \d.*version.*coordination \d/);
  expect(files.map((file) => readFileSync(file))).toEqual(before);
});

test("where nothing ever ran, all is well, and nothing is made", async () => {
  const state = join(makeFolder(), "none");
  const result = await examine(state);
  expectNoProblem(result);
  expect(told(result, "folder", "ok")).toMatch(/is not there yet: the first run makes it/);
  expect(existsSync(state)).toBe(false);
});

test("a file in place of the folder, and a later layout, are problems", async () => {
  const file = join(makeFolder(), "file");
  writeFileSync(file, "");
  expect(told(await examine(file), "folder", "problem")).toMatch(/is a file => name a folder/);
  const state = await soundFolder();
  writeFileSync(join(state, "version"), "7\n");
  const result = await examine(state);
  expect(result.exitCode).toBe(1);
  expect(told(result, "folder", "problem")).toMatch(/layout 7, and this senpu knows 1/);
});

test("a newer ledger is a problem; an older one is told of and left as it is", async () => {
  const state = await soundFolder();
  editLedger(state, "PRAGMA user_version = 99");
  expect(told(await examine(state), "ledger", "problem")).toMatch(
    /version 99, and this senpu knows up to \d+ => a newer senpu wrote it/,
  );
  editLedger(state, "PRAGMA user_version = 1");
  const result = await examine(state);
  expectNoProblem(result);
  expect(told(result, "files", "ok")).toMatch(/version 1: becomes \d+ .* kept as .*ledger-v1\.db/);
  expect(readdirSync(state)).not.toContain("ledger-v1.db");
});

test("what dead processes left is told; what a living one writes is not", async () => {
  const state = await soundFolder();
  const pid = deadPid();
  for (const name of [`r.jsonl.${pid}.partial`, "r.crm.spill", `s.jsonl.${process.pid}.partial`]) {
    writeFileSync(join(state, "spool", name), "{}");
  }
  writeFileSync(join(state, `broker.json.${pid}.tmp`), "{");
  mkdirSync(join(state, "claims", "open"), { recursive: true });
  writeFileSync(join(state, "claims", "open", `abc.${pid}-00ff.partial`), "");
  const found = told(await examine(state), "leftovers", "warning");
  expect(found).toMatch(/^4 files .*of dead processes/);
  expect(found).not.toContain(String(process.pid));
});

test("what a run that lives keeps for a broker elsewhere is no leftover", async () => {
  const state = await soundFolder();
  await seedLedger(state, async (ledger) => {
    await seedRun(ledger, { id: "alive" }, 2, []);
    await ledger.beat("alive", Date.now());
  });
  writeFileSync(join(state, "spool", "alive.crm.spill"), "{}");
  expect(told(await examine(state), "leftovers", "warning")).toBe("");
});

test("a copy of standard input whose run is over is for prune, and no warning", async () => {
  const state = await soundFolder();
  for (const run of ["ended", "open"]) writeFileSync(join(state, "spool", `${run}.jsonl`), "{}\n");
  expect(told(await examine(state), "leftovers", "ok")).toMatch(/^1 file \(3 B\) of runs that are/);
});

test("a broker that answers is fine, beside which the folder can be looked at", async () => {
  const state = await soundFolder();
  const held = await attachBroker({ state });
  onTestFinished(() => held.close());
  const result = await examine(state);
  expectNoProblem(result);
  expect(told(result, "broker", "ok")).toMatch(/^process \d+ runs it at http:\/\/127/);
});

test("a broker whose process died is a warning; one that hangs is a problem", async () => {
  const state = await soundFolder();
  const record = { endpoint: "http://127.0.0.1:9", port: 9, startedAt: new Date().toISOString() };
  const write = (pid: number): void =>
    writeFileSync(join(state, "broker.json"), JSON.stringify({ ...record, pid }));
  const pid = deadPid();
  write(pid);
  expect(told(await examine(state), "broker", "warning")).toMatch(`process ${pid} died with it`);
  const lock = new StateLock(join(state, "broker.lock"));
  expect(lock.tryTake()).toBe(true);
  onTestFinished(() => lock.release());
  write(4711);
  expect(told(await examine(state), "broker", "problem")).toMatch(
    /http:\/\/127\.0\.0\.1:9 does not answer => end that process \(kill 4711\)/,
  );
  writeFileSync(join(state, "broker.json"), "");
  expect(told(await examine(state), "broker", "problem")).toMatch(/tells no endpoint/);
});

test("a port that another program has is a warning", async () => {
  const state = await soundFolder();
  const server = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  writeFileSync(join(state, "broker", "port"), `${port}\n`);
  expect(told(await examine(state), "broker", "warning")).toMatch(
    `another program has its port ${port}`,
  );
});

test("queues tell what is in them, and what went astray, with or without a broker", async () => {
  const state = await soundFolder();
  const embedded = await startEmbedded({ dataDir: join(state, "broker") });
  const broker = connect(embedded.endpointUrl);
  await broker.ensure(["crm"]);
  const lanes = ["lane-crm", "lane-crm-failed", "lane-crm-dead"];
  for (const queue of [...lanes, "unrouted", "undelivered", "ledger-dead"]) {
    await broker.send(queue, [{ body: "{}" }]);
  }
  const beside = await examine(state);
  const elsewhere = await examineAt(embedded.endpointUrl);
  await broker.close();
  await embedded.stop();
  for (const result of [beside, elsewhere, await examine(state)]) {
    expect(result.exitCode).toBe(1);
    expect(told(result, "queues", "ok")).toMatch(/^messages: lane crm 1 =>/);
    expect(told(result, "letters", "warning")).toMatch(/^calls that have failed.* 1 of lane crm/);
    expect(told(result, "letters", "warning")).toMatch(/SQS gave up on: 1 of lane crm/);
    const astray = told(result, "queues", "problem");
    for (const queue of ["unrouted", "undelivered", "ledger-dead"]) {
      expect(astray).toContain(`1 message in ${queue}: `);
    }
  }
});

test("a broker's file of another layout is a problem", async () => {
  const state = await soundFolder();
  await (await startEmbedded({ dataDir: join(state, "broker") })).stop();
  expectNoProblem(await examine(state));
  edit(
    join(state, "broker", "fauxqs.db"),
    "ALTER TABLE sqs_messages RENAME COLUMN receipt_handle TO receipt",
  );
  expect(told(await examine(state), "broker", "problem")).toMatch(
    /another fauxqs: this one looks for sqs_messages\.receipt_handle in it/,
  );
});

test("coordination tells of closed destinations, and of lanes that ended runs still claim", async () => {
  const state = await soundFolder();
  const coordination = openSqliteCoordination(join(state, "coordination.db"));
  const now = Date.now();
  await coordination.refuse({
    lane: "crm",
    origin: "https://api.example.com",
    startedAt: now,
    effect: "closes",
    cause: "429",
    until: now + MINUTE_MS,
    pauseMs: 1_000,
    maxPauseMs: MINUTE_MS,
    floor: 1,
    ceiling: 8,
    adapts: true,
    now,
  });
  await coordination.claimLanes("ended", [{ lane: "crm", concurrency: 1 }]);
  await coordination.close();
  const found = told(await examine(state), "coordination", "warning");
  expect(found).toMatch(/closed: https:\/\/api\.example\.com until /);
  expect(found).toMatch(/^ended ended, or unknown/m);
});

test.each([
  ["ledger", "ledger.db", "calls_by_id"],
  ["coordination", "coordination.db", "claims"],
])("a damaged %s file is a problem, and is left as it is", async (name, file, tree) => {
  const state = await soundFolder();
  const path = join(state, file);
  breakPages(path, ...leafPages(path, tree));
  const before = readFileSync(path);
  const result = await examine(state, "--thorough");
  expect(result.exitCode).toBe(1);
  expect(told(result, name, "problem")).toMatch(/is damaged: .*senpu doctor --repair/);
  expect(readFileSync(path)).toEqual(before);
});

test("a file that is no database is a problem of that check alone", async () => {
  const state = await soundFolder();
  writeFileSync(join(state, "ledger.db"), "x".repeat(8192));
  const result = await examine(state);
  expect(result.problems).toBe(1);
  expect(told(result, "ledger", "problem")).toMatch(/is damaged: file is not a database/);
});

test.each([
  ["UPDATE runs SET succeeded = 7 WHERE id = 'ended'", "run ended: succeeded 7 and not 2"],
  ["UPDATE runs SET attempts = 0 WHERE id = 'ended'", "run ended: attempts 0 and not 3"],
  ["UPDATE failures SET count = 2", "run ended: failures"],
  ["DELETE FROM latencies WHERE run = 1", "run ended: latencies"],
  ["UPDATE runs SET max_latency_ms = 1 WHERE id = 'open'", "run open: longest latency"],
  ["DELETE FROM calls WHERE run = 1 AND id = 'c1'", "run ended: 1 call of 3 have no row"],
])("counters that disagree with the rows are a problem: %s", async (sql, words) => {
  const state = await soundFolder();
  editLedger(state, sql);
  expect(told(await examine(state), "counters", "problem")).toContain(words);
});

test("calls of no run are a problem; those that a dead prune left are a warning", async () => {
  const state = await soundFolder();
  editLedger(state, "DELETE FROM runs WHERE id = 'ended'");
  expect(told(await examine(state), "ledger", "problem")).toMatch(/^calls of 1 run that it does/);
  editLedger(state, "INSERT INTO forgotten VALUES (1)");
  expect(told(await examine(state), "ledger", "warning")).toMatch(/senpu prune goes on with it/);
});

test("interrupted runs, ends that were not told, and sums that do not fit are told", async () => {
  const state = await soundFolder();
  await seedLedger(state, async (ledger) => {
    const createdAt = Date.now() - 10 * MINUTE_MS;
    await seedRun(ledger, { id: "dead", createdAt }, 2, [succeed("c1")]);
    await seedRun(ledger, { id: "untold", createdAt }, 1, [succeed("c1")]);
  });
  const result = await examine(state);
  expectNoProblem(result);
  expect(told(result, "runs", "warning")).toMatch(/^interrupted: dead => senpu resume dead/);
  expect(told(result, "outbox", "warning")).toMatch(
    /^1 notice of a run's end .* for 9 m 59 s|10 m/,
  );
  editLedger(
    state,
    `UPDATE runs SET state = 'running', beat_at = ${Date.now()} WHERE id = 'untold';
     UPDATE runs SET closed_planned = 9 WHERE id = 'ended'`,
  );
  const found = told(await examine(state), "runs", "problem");
  expect(found).toMatch(/^settled, though their sums say otherwise: ended/m);
  expect(found).toMatch(/^complete, and not settled: untold/m);
});

test("files from the future are a warning of the clock", async () => {
  const state = await soundFolder();
  const later = Date.now() / 1_000 + 3_600;
  utimesSync(join(state, "ledger.db"), later, later);
  expect(told(await examine(state), "clock", "warning")).toMatch(/written (1 h|59 m).* later/);
});

test("an endpoint that does not answer is a problem at once, and ends with 3", async () => {
  const result = await examineAt("http://127.0.0.1:9");
  expect(result.exitCode).toBe(3);
  expect(told(result, "broker", "problem")).toMatch(/http:\/\/127\.0\.0\.1:9 does not answer/);
});
