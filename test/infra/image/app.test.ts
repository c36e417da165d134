import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test, vi } from "vitest";
import { bundleApp } from "../../../infra/image/bundle-app.ts";
import { EXIT } from "../../../shared/errors.ts";
import type { Figures } from "../../../shared/model/figures.ts";
import { FlowStage, callsTo, readRun } from "../../support/flow-stage.ts";
import { expectNothingLost } from "../../support/run-invariants.ts";
import { connect } from "../../shared/broker/embedded.ts";

/** The image's app as it is, far from the sources and from `node_modules`: what a container has. */

const stage = new FlowStage("image");
const app = join(stage.folder, "app");
const cwd = join(stage.folder, "elsewhere");
const inApp = { launcher: join(app, "senpu.js"), cwd };

beforeAll(async () => {
  mkdirSync(cwd);
  await bundleApp(app);
}, 150_000);

test("a run with two worker processes settles, though one of them is told to end by SIGTERM", async () => {
  const state = stage.newState();
  const server = await stage.startServer();
  const calls = callsTo(`${server.url}/slow/50`, "two", 40);
  const plan = stage.writePlan("two", calls, {
    lanes: { slow: { match: `${server.url}/**`, concurrency: 4 } },
  });
  const run = stage.start(
    ["run", plan, "--json", "--run-id", "two", "--workers", "2", "--state", state],
    { ...inApp, env: { SENPU_LOG_LEVEL: "info" } },
  );
  await server.waitForRequests(8);
  process.kill(run.children()[0]!, "SIGTERM");
  const ended = await run.ended;
  expect(ended.exitCode, ended.stderr).toBe(EXIT.succeeded);
  const figures = JSON.parse(ended.stdout) as Figures;
  const { rows } = await readRun(state, "two");
  const ids = calls.map(({ id }) => id);
  expectNothingLost({ figures, rows, requests: server.requests, ids });
  expect(figures).toMatchObject({ planned: 40, succeeded: 40 });
  // The log is the image's, too: of this process, and of those that it started.
  const logged = ended.stderr.split("\n").filter((line) => line.startsWith('{"level":"info"'));
  const told = logged.map((line) => (JSON.parse(line) as { readonly msg: string }).msg);
  expect(told).toEqual(expect.arrayContaining(["worker begins", "all calls are published"]));
  const report = await stage.run(["report", "two", "-o", "-", "--state", state], inApp);
  expect(report.exitCode, report.stderr).toBe(EXIT.succeeded);
  expect(report.stdout).toContain("uPlot");
});

test("L10: producer, worker and recorder of the image do a run together, and end with 0 on SIGTERM", async () => {
  const state = stage.newState();
  const server = await stage.startServer();
  const words = ["--state", state];
  const recorder = stage.start(["recorder", ...words], inApp);
  await recorder.waitForStderr(/recording into/);
  const worker = stage.start(["worker", "--lanes", "ok,default", "--grace", "5s", ...words], inApp);
  await worker.waitForStderr(/working for/);
  const plan = stage.writePlan("parts", callsTo(`${server.url}/ok`, "parts", 20), {
    lanes: { ok: { match: `${server.url}/**`, concurrency: 4 } },
  });
  const run = await stage.run(
    ["run", plan, "--json", "--no-worker", "--no-recorder", ...words],
    inApp,
  );
  expect(run.exitCode, run.stderr).toBe(EXIT.succeeded);
  expect(JSON.parse(run.stdout)).toMatchObject({ planned: 20, succeeded: 20 });
  for (const part of [worker, recorder]) {
    part.kill("SIGTERM");
    const { exitCode, stderr } = await part.ended;
    expect(exitCode, stderr).toBe(EXIT.succeeded);
  }
});

test("the embedded broker of the image is mended as the checkout's is", async () => {
  const broker = stage.start(["broker", "--json", "--state", stage.newState()], inApp);
  const [line] = (await once(broker.child.stdout!, "data")) as [string];
  const { endpoint } = JSON.parse(line) as { endpoint: string };
  // As it comes, it refuses what lies beyond U+FFFF.
  const client = connect(endpoint);
  await expect(
    client.send("lane-default", [{ body: "扇風 🪭", isPlain: true }]),
  ).resolves.toBeUndefined();
  broker.kill("SIGTERM");
  expect((await broker.ended).exitCode).toBe(EXIT.succeeded);
});

test("a command that takes the sources says so", async () => {
  const ended = await stage.run(["invoke", "consumer", "--event", "x.json"], inApp);
  expect(ended.exitCode).toBe(EXIT.usage);
  expect(ended.stderr).toMatch(/for a checkout of senpu/);
});

const UNSHARE = "unshare";
const APART = ["--pid", "--fork", "--kill-child"];
const mayUnshare = spawnSync(UNSHARE, [...APART, "true"]).status === 0;
if (!mayUnshare) {
  console.log("skipped: senpu as process 1, since unshare --pid is not to be had or not allowed");
}

/** Starts a command as process 1 of its own namespace, as a container does. */
function startAsFirst(...words: string[]) {
  const child = spawn(UNSHARE, [...APART, process.execPath, inApp.launcher, ...words], {
    cwd,
    stdio: ["pipe", "ignore", "pipe"],
  });
  stage.onClose(async () => void child.kill("SIGKILL"));
  const terminate = (): void => {
    const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8");
    process.kill(Number(children.trim().split(" ")[0]), "SIGTERM");
  };
  return { child, terminate };
}

test.skipIf(!mayUnshare)("a worker that is process 1 drains on SIGTERM", async () => {
  const { child, terminate } = startAsFirst("worker", "--state", stage.newState());
  const [told] = (await once(child.stderr, "data")) as [Buffer];
  expect(told.toString()).toMatch(/^senpu worker 1: working for/);
  terminate();
  expect(await once(child, "exit")).toEqual([EXIT.succeeded, null]);
});

test.skipIf(!mayUnshare)("process 1 ends on SIGTERM, though no command listens yet", async () => {
  const state = stage.newState();
  // Waits for its standard input, which says nothing.
  const { child, terminate } = startAsFirst("run", "-", "--state", state);
  const spool = join(state, "spool");
  await vi.waitUntil(() => existsSync(spool) && readdirSync(spool).length > 0, { timeout: 20_000 });
  terminate();
  expect(await once(child, "exit")).toEqual([143, null]);
});
