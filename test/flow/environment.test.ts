import { existsSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { EXIT } from "../../shared/errors.ts";
import type { Figures } from "../../shared/model/figures.ts";
import { useDeployedStage } from "../support/deployed-stage.ts";
import { callsTo, findRun } from "../support/flow-stage.ts";
import type { MisbehavingServer } from "../support/misbehaving-server.ts";
import type { Ended } from "../support/senpu-process.ts";

/** Commands with `--env test` and credentials, and nothing else: they find the deployment, and work in it. */

const deployed = useDeployedStage("environment", [
  { name: "shop", match: ["http://127.0.0.1:*/**"], concurrency: 4 },
  { name: "default" },
]);
const { stage } = deployed;
let server: MisbehavingServer;
let cwd: string;

beforeAll(async () => {
  server = await stage.startServer();
  await deployed.startConsumers();
  cwd = stage.folder;
}, 150_000);

function senpu(...words: readonly string[]): Promise<Ended> {
  return stage.run([...words, "--env", "test"], { env: deployed.person, cwd });
}

async function figuresOf(ended: Promise<Ended>): Promise<Figures> {
  const { stdout, stderr } = await ended;
  expect(stdout, stderr).not.toBe("");
  return JSON.parse(stdout) as Figures;
}

test("a run is published from here and done there; status, calls, dlq and replay find what became of it", async () => {
  const plan = stage.writePlan("shop", [
    ...callsTo(`${server.url}/ok`, "ok", 10),
    { id: "gone", url: `${server.url}/status/404` },
  ]);
  const run = await senpu("run", plan, "--json", "--run-id", "first");
  expect(run.exitCode, run.stderr).toBe(EXIT.failedCalls);
  expect(JSON.parse(run.stdout)).toMatchObject({ planned: 11, succeeded: 10, failed: 1 });
  expect(await findRun(deployed.recorded, "first")).toMatchObject({ state: "settled" });
  // Nothing of this machine's own was made.
  expect(existsSync(join(cwd, ".senpu/ledger.db"))).toBe(false);
  expect(existsSync(join(cwd, ".senpu/broker.json"))).toBe(false);

  const [status, calls, dlq] = await Promise.all([
    figuresOf(senpu("status", "--json")),
    senpu("calls", "first", "--state", "failed", "--json"),
    senpu("dlq", "shop", "--json"),
  ]);
  expect(status).toMatchObject({ run: "first", state: "settled", failed: 1 });
  expect(JSON.parse(calls.stdout)).toMatchObject({ id: "gone", status: 404, lane: "shop" });
  expect(JSON.parse(dlq.stdout), dlq.stderr).toMatchObject({ lane: "shop", count: 1, status: 404 });

  server.on("status", ({ response }) => void response.end());
  const replay = await senpu("replay", "first", "--json");
  expect(replay.exitCode, replay.stderr).toBe(EXIT.succeeded);
  expect(JSON.parse(replay.stdout)).toMatchObject({ parent: "first", succeeded: 1, failed: 0 });
}, 150_000);

test("a run is paused for the deployment's workers, let go, and cancelled", async () => {
  server.on("slow", async ({ response }) => {
    setTimeout(() => response.end(), 200);
  });
  const plan = stage.writePlan("long", callsTo(`${server.url}/slow`, "s", 4_000));
  const before = server.requests.length;
  const run = stage.start(["run", plan, "--run-id", "long", "--json", "--env", "test"], {
    env: deployed.person,
    cwd,
  });
  await server.waitForRequests(before + 5);
  expect(await figuresOf(senpu("pause", "long", "--json"))).toMatchObject({ state: "paused" });
  await run.waitForStderr(/paused by .*unpause long --env test/);
  expect(await figuresOf(senpu("unpause", "long", "--json"))).toMatchObject({ state: "running" });
  await server.waitForRequests(server.requests.length + 5);
  expect(await figuresOf(senpu("cancel", "long", "--json"))).toMatchObject({ state: "cancelled" });
  const { exitCode, stdout, stderr } = await run.ended;
  expect(exitCode, stderr).toBe(EXIT.failedCalls);
  const figures = JSON.parse(stdout) as Figures;
  expect(figures).toMatchObject({ state: "cancelled", pending: 0 });
  expect(figures.cancelled).toBeGreaterThan(0);
}, 150_000);

test("standard input is kept apart from this machine's own runs, so that what was interrupted is resumed by the line that it printed", async () => {
  const calls = callsTo(`${server.url}/slow`, "r", 60);
  const before = server.requests.length;
  const words = ["run", "-", "--run-id", "piped", "--env", "test", "--allow", "127.0.0.1"];
  const stdin = calls.map((call) => `${JSON.stringify(call)}\n`).join("");
  const run = stage.start(words, { env: deployed.person, cwd, stdin });
  await server.waitForRequests(before + 3);
  run.kill("SIGINT");
  const { exitCode, stderr } = await run.ended;
  expect(exitCode, stderr).toBe(EXIT.interrupted);
  expect(stderr).toContain("npx senpu resume piped --env test");
  expect(existsSync(join(cwd, ".senpu/environments/test/spool/piped.jsonl"))).toBe(true);
  const resumed = await senpu("resume", "piped", "--json");
  expect(resumed.exitCode, resumed.stderr).toBe(EXIT.succeeded);
  expect(JSON.parse(resumed.stdout)).toMatchObject({ planned: 60, succeeded: 60 });
}, 150_000);
