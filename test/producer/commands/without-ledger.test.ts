import { beforeAll, beforeEach, expect, test, vi } from "vitest";
import * as cancel from "../../../producer/commands/cancel.ts";
import * as dlq from "../../../producer/commands/dlq.ts";
import * as pause from "../../../producer/commands/pause.ts";
import { openReplaySession } from "../../../producer/commands/replay-session.ts";
import * as replay from "../../../producer/commands/replay.ts";
import * as run from "../../../producer/commands/run.ts";
import * as status from "../../../producer/commands/status.ts";
import { openLanes } from "../../../producer/entries/open-lanes.ts";
import { readyReplay } from "../../../producer/replay/replay.ts";
import { beginRun } from "../../../producer/run/begin-run.ts";
import { produce } from "../../../producer/run/produce.ts";
import { nameEnvironment } from "../../../infra/environments/named.ts";
import { failedQueue } from "../../../shared/broker/broker.ts";
import { openBroker } from "../../../shared/broker/open.ts";
import { openCoordination } from "../../../shared/coordination/open.ts";
import type { Deployment } from "../../../shared/deployment/deployment.ts";
import { findDeployment } from "../../../shared/deployment/find-deployment.ts";
import { EXIT } from "../../../shared/errors.ts";
import { runCommand } from "../../support/command-line.ts";
import type { TestedCommand } from "../../support/command-line.ts";
import { useDeployedStage } from "../../support/deployed-stage.ts";
import { MemoryOutput } from "../../support/memory-output.ts";
import type { MisbehavingServer } from "../../support/misbehaving-server.ts";

/** Commands in a deployment that has no ledger: publishing, letters and cancelling need none. */

const deployed = useDeployedStage(
  "without-ledger",
  [{ name: "shop", match: ["http://127.0.0.1:*/**"], concurrency: 4 }, { name: "default" }],
  { ledger: false },
);
const { stage } = deployed;
let deployment: Deployment;
let server: MisbehavingServer;
let state: string;

beforeAll(async () => {
  for (const [name, value] of Object.entries(deployed.person)) vi.stubEnv(name, value);
  deployment = await findDeployment({ ...nameEnvironment("test"), hasLedger: false });
  server = await stage.startServer();
  const worker = stage.start(["worker", "--state", stage.newState()], { env: deployed.container });
  await worker.waitForStderr(/working for/);
}, 150_000);
beforeEach(() => {
  state = stage.newState();
});

async function senpu(module: TestedCommand, ...words: readonly string[]) {
  const all = [...words, "--state", state, "--quiet", "--json"];
  return runCommand(module, all, new MemoryOutput(), deployment);
}

/** A run of one call that the server refuses for good; resolves once its letter is there. */
async function failOne(id: string): Promise<void> {
  const plan = stage.writePlan(id, [{ id, url: `${server.url}/status/404?id=${id}` }]);
  const { exitCode, output } = await senpu(run, plan, "--run-id", id);
  expect(exitCode).toBe(EXIT.succeeded);
  expect(JSON.parse(output.text)).toEqual({ run: id, name: id, state: "published", planned: 1 });
  await letters(1);
}

async function letters(count: number): Promise<void> {
  const broker = openBroker(undefined, deployment);
  const depth = async () => {
    const { visible, notVisible } = await broker.depth(failedQueue("shop"));
    return visible + notVisible;
  };
  await expect.poll(depth, { timeout: 20_000 }).toBe(count);
  await broker.close();
}

test("a run is published, dlq shows what has failed, and a replay makes that again and deletes its letter", async () => {
  await failOne("a");
  const { output } = await senpu(dlq, "shop");
  expect(JSON.parse(output.text)).toMatchObject({ run: "a", count: 1, status: 404 });
  server.on("status", ({ response }) => void response.end());
  const again = await senpu(replay, "a", "--run-id", "a2");
  expect(again.exitCode).toBe(EXIT.succeeded);
  expect(JSON.parse(again.output.text)).toMatchObject({ run: "a2", planned: 1 });
  await letters(0);
  await expect.poll(() => server.count("a"), { timeout: 20_000 }).toBe(2);
}, 150_000);

test("a replay that died after publishing, with its letters there, is gone on with by the same again", async () => {
  server.on("status", ({ response }) => {
    response.statusCode = 404;
    response.end();
  });
  await failOne("b");
  server.on("status", ({ response }) => void response.end());
  const common = {
    json: true,
    quiet: true,
    state,
    env: "test",
    endpointUrl: undefined,
    deployment,
  };
  const session = await openReplaySession(common);
  const request = {
    of: undefined,
    filter: { lane: "shop" },
    assignments: [],
    edit: false,
    allow: [],
    overrides: {},
  };
  const signal = new AbortController().signal;
  const died = await readyReplay({ session, request, run: "b2", onRead: () => {}, signal });
  await beginRun(session, died.plan, died.run, died.parent);
  await openLanes(session, died.plan, died.run, 1);
  const { afterPublished: _, ...plan } = died.plan;
  await produce({ session, plan, run: died.run, generation: 1, signal, bytesOnly: true });
  // Its owner's death would be known by its process id.
  await session.ledger.setState(died.run, "interrupted", "test", Date.now());
  await died.close();
  await session.close();

  const { exitCode, output } = await senpu(replay, "--lane", "shop");
  expect(exitCode).toBe(EXIT.succeeded);
  expect(JSON.parse(output.text)).toMatchObject({ run: "b2", state: "published" });
  await letters(0);
  expect(server.count("b")).toBeLessThanOrEqual(3);
  await expect(senpu(replay, "--lane", "shop")).rejects.toThrow(/nothing/);
}, 150_000);

test("a run is cancelled by its whole id, and one that nobody knows is told", async () => {
  const plan = stage.writePlan("c", [{ id: "c", url: `${server.url}/ok` }]);
  await senpu(run, plan, "--run-id", "c");
  const { output } = await senpu(cancel, "c");
  expect(JSON.parse(output.text)).toEqual({ run: "c", state: "cancelled" });
  const coordination = await openCoordination(() => "", deployment);
  expect(await coordination.control("c")).toMatchObject({ state: "cancelled" });
  await coordination.close();
  await expect(senpu(cancel, "unknown")).rejects.toThrow(
    'environment test knows no run "unknown"; it has no ledger, so give the whole id',
  );
}, 150_000);

test("what needs a ledger says that there is none, and what works without; one that is not deployed yet is told apart", async () => {
  for (const module of [status, pause]) {
    await expect(senpu(module, "a")).rejects.toMatchObject({
      message: expect.stringMatching(/^environment test has no ledger, .*dlq, replay and cancel$/),
      exitCode: EXIT.usage,
    });
  }
  const missing = { ...deployment, ledgerStack: "senpu-test-ledger" };
  const asked = runCommand(status, ["a"], new MemoryOutput(), missing);
  await expect(asked).rejects.toMatchObject({
    message: expect.stringContaining("to deploy it: senpu deploy --env test"),
    exitCode: EXIT.unreachable,
  });
});
