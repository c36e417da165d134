import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { readCsv } from "../support/read-csv.ts";
import { FlowStage, callsTo, findRun, readRun } from "../support/flow-stage.ts";
import type { MisbehavingServer } from "../support/misbehaving-server.ts";
import { expectNothingLost, madeAgain } from "../support/run-invariants.ts";

/** What calls answer is kept, and saved once each, whatever dies on the way. */
const stage = new FlowStage("answers");

/** An API whose every answer tells its call's id, and how often it was asked. */
async function startApi(): Promise<MisbehavingServer> {
  const server = await stage.startServer();
  server.on("item", async ({ id, attempt, query, response }) => {
    await new Promise((resolve) => setTimeout(resolve, Number(query.get("wait") ?? 0)));
    const body = JSON.stringify({ ok: true, id, name: `"${id}", 風`, attempt });
    response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" });
    response.end(gzipSync(body));
  });
  let isMended = false;
  server.on("refusing", ({ id, response }) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ ok: isMended, id, name: `"${id}", 風`, attempt: 1 }));
  });
  server.on("mend", ({ response }) => {
    isMended = true;
    response.writeHead(204).end();
  });
  return server;
}

const COLUMNS = { id: "id", code: "status", name: "$.name", type: "header.content-type" };

const rowOf = (id: string) => ({
  id,
  code: "200",
  name: `"${id}", 風`,
  type: "application/json",
});

test("120 answers end in CSV once each, with the worker killed half way", async () => {
  const server = await startApi();
  const calls = callsTo(`${server.url}/item?wait=40`, "c", 120);
  const file = join(stage.folder, "killed.csv");
  const plan = stage.writePlan("killed", calls, {
    lanes: { default: { concurrency: 8 } },
    save: { to: "killed.csv", columns: COLUMNS },
  });
  const state = stage.newState();
  const at = ["--state", state, "--quiet", "--json"];
  const run = stage.start(["run", plan, "--run-id", "r", "--workers", "1", ...at]);
  await server.waitForRequests(50);
  const [worker] = run.children().filter((pid) => isWorker(pid));
  process.kill(worker!, "SIGKILL");
  expect(await run.ended).toMatchObject({ exitCode: 0, stderr: "" });
  const evidence = await readRun(state, "r");
  const ids = calls.map(({ id }) => id);
  expectNothingLost({ ...evidence, requests: server.requests, ids });
  // It did die with calls that it had made, so that there is something to be written twice.
  expect(madeAgain({ ...evidence, requests: server.requests, ids }).length).toBeGreaterThan(0);
  const rows = readCsv(file);
  expect(rows.toSorted(byId)).toEqual(ids.map(rowOf).toSorted(byId));
  expect(readdirSync(stage.folder).filter((name) => name.endsWith(".partial"))).toEqual([]);
}, 240_000);

test("a 200 that means failure is rejected with what was found, and its replay completes the same file", async () => {
  const server = await startApi();
  const calls = [
    ...callsTo(`${server.url}/item`, "good", 5),
    ...callsTo(`${server.url}/refusing`, "bad", 2),
  ];
  const plan = stage.writePlan("replayed", calls, {
    expect: "$.ok = true",
    keep: { body: "30B" },
    save: { to: "replayed.csv", columns: COLUMNS },
  });
  const state = stage.newState();
  const at = ["--state", state, "--quiet", "--json"];
  expect((await stage.run(["run", plan, "--run-id", "r", ...at])).exitCode).toBe(1);
  const file = join(stage.folder, "replayed.csv");
  expect(readCsv(file).length).toBe(5);
  const { rows } = await readRun(state, "r");
  expect(rows.find(({ id }) => id === "bad-0")).toMatchObject({
    reason: "rejected",
    status: 200,
    attempts: 1,
    error: "expected $.ok = true, found false",
  });
  const looked = await stage.run(["calls", "r", "--id", "bad-0", "--answer", ...at]);
  expect(JSON.parse(looked.stdout)).toMatchObject({
    id: "bad-0",
    answer: {
      headers: { "content-type": "application/json" },
      body: '{"ok":false,"id":"bad-0","name',
      truncated: true,
    },
  });
  await fetch(`${server.url}/mend`);
  expect((await stage.run(["replay", "r", "--run-id", "again", ...at])).exitCode).toBe(0);
  expect(readCsv(file).toSorted(byId)).toEqual(calls.map(({ id }) => rowOf(id)).toSorted(byId));
}, 240_000);

test("where answers cannot be saved the run stops with 3, and goes on once they can, without losing one", async () => {
  const server = await startApi();
  const calls = callsTo(`${server.url}/item`, "c", 12);
  const plan = stage.writePlan("full", calls, { save: "full.jsonl" });
  const state = stage.newState();
  const at = ["--state", state, "--quiet"];
  // What stands there is no folder: as a full disk does, it takes nothing.
  mkdirSync(state, { recursive: true });
  writeFileSync(join(state, "answers"), "");
  const refused = await stage.run(["run", plan, "--run-id", "r", ...at]);
  expect(refused.exitCode).toBe(3);
  expect(refused.stderr).toMatch(/answers cannot be saved there \(E\w+/);
  expect(refused.stderr).toMatch(/senpu resume r/);
  expect((await findRun(state, "r"))?.succeeded).toBe(0);
  rmSync(join(state, "answers"));
  const resumed = await stage.run(["resume", "r", ...at]);
  expect(resumed).toMatchObject({ exitCode: 0 });
  const lines = readFileSync(join(stage.folder, "full.jsonl"), "utf8").trimEnd().split("\n");
  const saved = lines.map((line) => JSON.parse(line) as { id: string; json: { id: string } });
  expect(saved.map(({ id }) => id).toSorted()).toEqual(calls.map(({ id }) => id).toSorted());
  expect(saved.every(({ id, json }) => json.id === id)).toBe(true);
}, 240_000);

test("a file that cannot be written at the run's end is written by senpu save, elsewhere if need be", async () => {
  const server = await startApi();
  const plan = stage.writePlan("later", callsTo(`${server.url}/item`, "c", 3), {
    save: { to: "missing/later.jsonl", headers: true },
  });
  writeFileSync(join(stage.folder, "missing"), "a file");
  const state = stage.newState();
  const at = ["--state", state, "--quiet"];
  const ended = await stage.run(["run", plan, "--run-id", "r", ...at]);
  expect(ended.exitCode).toBe(3);
  expect(ended.stderr).toMatch(/cannot be written there .*senpu save r writes them once they can/);
  expect((await findRun(state, "r"))?.state).toBe("settled");
  const elsewhere = join(stage.folder, "elsewhere.jsonl");
  const saved = await stage.run(["save", "r", "-o", elsewhere, "--json", ...at]);
  expect(JSON.parse(saved.stdout)).toEqual({
    to: elsewhere,
    format: "jsonl",
    answers: 3,
    missing: 0,
  });
  const lines = readFileSync(elsewhere, "utf8").trimEnd().split("\n");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    status: 200,
    headers: { "content-encoding": "gzip" },
    json: { ok: true },
  });
}, 240_000);

function byId(one: { readonly id: string }, other: { readonly id: string }): number {
  return one.id < other.id ? -1 : 1;
}

function isWorker(pid: number): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes("worker");
}
