import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openSqliteLedger } from "../../shared/ledger/sqlite-ledger.ts";
import type { RunEvent } from "../../shared/ledger/ledger.ts";
import type { Figures } from "../../shared/model/figures.ts";
import type { SettledEvent } from "../../shared/model/settled-event.ts";
import { figuresSchema } from "../support/figures-schema.ts";
import { FlowStage, callsTo } from "../support/flow-stage.ts";

/** What is told of a run's end, by processes as a person starts them. */
const stage = new FlowStage("settled");

/** Writes what it is given beside the state folder, and says something. */
const PROGRAM = `
  const { SENPU_RUN, SENPU_STATE } = process.env;
  require("node:fs").writeFileSync(SENPU_STATE + "-" + SENPU_RUN, require("node:fs").readFileSync(0));
  console.log("told of " + SENPU_RUN);
`;

async function historyOf(state: string, run: string): Promise<RunEvent[]> {
  const ledger = openSqliteLedger(join(state, "ledger.db"));
  try {
    expect(await ledger.outbox()).toEqual([]);
    return await ledger.events(run);
  } finally {
    await ledger.close();
  }
}

test("a run that ends at once tells its webhook and its command before it ends, with the figures that it prints", async () => {
  const server = await stage.startServer();
  const plan = stage.writePlan("told", callsTo(`${server.url}/ok`, "call", 3), {
    onSettled: {
      webhook: `${server.url}/ok?id=\${env:HOOK}`,
      headers: { "x-token": "${env:HOOK}" },
      command: [process.execPath, "-e", PROGRAM],
    },
  });
  const state = stage.newState();
  const words = ["run", plan, "--run-id", "r", "--state", state, "--json"];
  const ended = await stage.run(words, { env: { HOOK: "hook" } });
  expect(ended).toMatchObject({ exitCode: 0 });
  expect(ended.stderr).toContain("told of r");
  const printed = figuresSchema.parse(JSON.parse(ended.stdout)) as Figures;
  const posted = server.requests.filter(({ id }) => id === "hook");
  expect(posted).toMatchObject([
    { method: "POST", idempotencyKey: "r/settled", headers: { "x-token": "hook" } },
  ]);
  const event = JSON.parse(posted[0]!.body) as SettledEvent;
  expect(event).toMatchObject({ ...printed, v: 1, kind: "settled", id: "r/settled" });
  expect(JSON.parse(readFileSync(`${state}-r`, "utf8"))).toEqual(event);
  await historyOf(state, "r");
}, 150_000);

test("what fails changes nothing of the run, and is told, and kept in its history", async () => {
  const server = await stage.startServer();
  const plan = stage.writePlan("untold", callsTo(`${server.url}/ok`, "call", 3), {
    onSettled: { webhook: `${server.url}/status/410`, command: ["/no/such/program"] },
  });
  const state = stage.newState();
  const ended = await stage.run(["run", plan, "--run-id", "r", "--state", state, "--quiet"]);
  expect(ended.exitCode).toBe(0);
  expect(ended.stderr).toMatch(/the webhook of onSettled failed: HTTP 410/);
  expect(ended.stderr).toMatch(/the command \/no\/such\/program of onSettled failed: .*ENOENT/);
  const whats = (await historyOf(state, "r")).map(({ what }) => what);
  expect(whats).toEqual(expect.arrayContaining(["settled", "webhook failed", "command failed"]));
  const status = await stage.run(["status", "r", "--state", state]);
  expect(status.stdout).toContain("webhook failed");
}, 150_000);

test("a run that is stopped by its tolerance tells of it, and once more when it is cancelled", async () => {
  const server = await stage.startServer();
  const calls = [
    ...callsTo(`${server.url}/status/404`, "bad", 4),
    ...callsTo(`${server.url}/ok?delay=300`, "good", 40),
  ];
  const plan = stage.writePlan("stopped", calls, {
    tolerance: "1%",
    lanes: { default: { concurrency: 2 } },
    onSettled: { webhook: `${server.url}/ok?id=hook` },
  });
  const state = stage.newState();
  const ended = await stage.run(["run", plan, "--run-id", "r", "--state", state, "--quiet"]);
  expect(ended.exitCode).toBe(1);
  const told = () =>
    server.requests
      .filter(({ id }) => id === "hook")
      .map(({ body }) => JSON.parse(body) as SettledEvent)
      .map(({ id, state: what }) => [id, what]);
  expect(told()).toEqual([["r/stopped/1", "stopped"]]);
  const cancelled = await stage.run(["cancel", "r", "--state", state, "--quiet"]);
  expect(cancelled.exitCode).toBe(0);
  // Nobody recorded when it was cancelled: the next recorder tells.
  const recorder = stage.start(["recorder", "--state", state]);
  await server.waitForRequests(server.requests.length + 1);
  recorder.kill("SIGTERM");
  await recorder.ended;
  expect(told()).toEqual([
    ["r/stopped/1", "stopped"],
    ["r/cancelled", "cancelled"],
  ]);
}, 150_000);
