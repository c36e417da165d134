import { expect, test } from "vitest";
import { mostWithin, steadyRate } from "../support/arrivals.ts";
import { FlowStage, callsTo } from "../support/flow-stage.ts";
import type { LoggedRequest } from "../support/misbehaving-server.ts";
import { startMisbehavingServerInThread } from "../support/misbehaving-server.ts";
import type { MisbehavingThread } from "../support/misbehaving-server.ts";

const stage = new FlowStage("flow-control-limits");

async function startServer(): Promise<MisbehavingThread> {
  const server = await startMisbehavingServerInThread();
  stage.onClose(() => server.close());
  return server;
}

test("L1: a rate of 100/s over three worker processes is met, and never passed", async () => {
  const server = await startServer();
  const plan = stage.writePlan("rate", callsTo(`${server.url}/ok`, "c", 450), {
    lanes: { api: { match: `${server.url}/**`, rate: "100/s" } },
  });
  const ended = await stage.run([
    "run",
    plan,
    "--json",
    "--workers",
    "3",
    "--state",
    stage.newState(),
  ]);
  expect(ended.exitCode, ended.stderr).toBe(0);
  const { requests } = await server.log();
  expect(requests).toHaveLength(450);
  // On an idle machine none and 98: where it is busy, requests wait for the one that counts them, or are never sent.
  expect(mostWithin(requests, 1_000)).toBeLessThanOrEqual(103);
  expect(steadyRate(requests)).toBeGreaterThan(60);
  expect(steadyRate(requests)).toBeLessThan(101);
});

test("L1: a concurrency of 7 holds while workers join, leave and are killed", async () => {
  const server = await startServer();
  const plan = stage.writePlan("concurrency", callsTo(`${server.url}/slow/60`, "c", 450), {
    lanes: { api: { match: `${server.url}/**`, concurrency: 7 } },
    defaults: { timeout: "1s" },
  });
  const state = stage.newState();
  const run = stage.start(["run", plan, "--json", "--no-worker", "--state", state]);
  await run.waitForStderr(/^/);
  const until = async (count: number): Promise<void> => {
    while ((await server.log()).requests.length < count) {
      await Promise.race([run.ended, new Promise((resolve) => setTimeout(resolve, 50))]);
    }
  };
  const join = () => stage.start(["worker", "--state", state]);
  const [killed, leaver] = [join(), join()];
  await until(60);
  killed.kill("SIGKILL");
  const stayer = join();
  await until(180);
  leaver.kill("SIGTERM");
  await until(300);
  // What the killed one held comes back after half a minute only.
  run.kill("SIGINT");
  stayer.kill("SIGTERM");
  expect((await run.ended).exitCode).toBe(130);
  const { maxConcurrent } = await server.log();
  expect(maxConcurrent).toBeLessThanOrEqual(7);
  expect(maxConcurrent).toBeGreaterThan(4);
}, 150_000);

const ofLane = (requests: readonly LoggedRequest[], lane: string): LoggedRequest[] =>
  requests.filter(({ id }) => id.startsWith(lane));

test("a lane of slow calls holds up no lane of fast ones", async () => {
  const server = await startServer();
  const calls = [
    ...callsTo(`${server.url}/slow/2000`, "slow", 16),
    ...callsTo(`${server.url}/slow/10`, "fast", 200),
  ];
  const plan = stage.writePlan("lanes", calls, {
    lanes: {
      slow: { match: `${server.url}/slow/2000*`, concurrency: 4 },
      fast: { match: `${server.url}/slow/10*`, concurrency: 8 },
    },
  });
  const ended = await stage.run(["run", plan, "--json", "--state", stage.newState()]);
  expect(ended.exitCode, ended.stderr).toBe(0);
  const { requests } = await server.log();
  const slow = ofLane(requests, "slow").map(({ arrivedAt }) => arrivedAt);
  const fast = ofLane(requests, "fast").map(({ arrivedAt }) => arrivedAt);
  // The third round of slow calls starts after four seconds.
  expect(Math.max(...fast)).toBeLessThan(Math.max(...slow));
  expect(Math.max(...fast) - Math.min(...fast)).toBeLessThan(4_000);
});

test("a total holds over two lanes, and starves neither", async () => {
  const server = await startServer();
  const calls = [
    ...callsTo(`${server.url}/slow/40`, "one", 80),
    ...callsTo(`${server.url}/slow/41`, "two", 80),
  ];
  const plan = stage.writePlan("total", calls, {
    lanes: {
      one: { match: `${server.url}/slow/40*`, concurrency: 8 },
      two: { match: `${server.url}/slow/41*`, concurrency: 8 },
    },
    total: { concurrency: 5, rate: "40/s" },
  });
  const ended = await stage.run([
    "run",
    plan,
    "--json",
    "--workers",
    "2",
    "--state",
    stage.newState(),
  ]);
  expect(ended.exitCode, ended.stderr).toBe(0);
  const { requests, maxConcurrent } = await server.log();
  expect(maxConcurrent).toBeLessThanOrEqual(5);
  expect(mostWithin(requests, 1_000)).toBeLessThanOrEqual(42);
  const early = requests.slice(0, 80);
  expect(ofLane(early, "one").length).toBeGreaterThan(20);
  expect(ofLane(early, "two").length).toBeGreaterThan(20);
});
