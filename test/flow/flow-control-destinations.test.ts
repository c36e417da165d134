import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { FlowStage, callsTo, readRun } from "../support/flow-stage.ts";
import { startMisbehavingServer } from "../support/misbehaving-server.ts";

const stage = new FlowStage("flow-control-destinations");

test("a Retry-After closes a destination for all workers; one probe, then all go on", async () => {
  const server = await stage.startServer();
  let refusedFrom = 0;
  let arrived = 0;
  const answeredAt = new Map<string, number>();
  server.on("limited", async ({ id, response }) => {
    if (++arrived === 60) refusedFrom = Date.now();
    if (refusedFrom > 0 && Date.now() < refusedFrom + 3_000) {
      response.writeHead(429, { "retry-after": "3" }).end();
      return;
    }
    await wait(150);
    answeredAt.set(id, performance.timeOrigin + performance.now());
    response.writeHead(200).end();
  });
  const plan = stage.writePlan("closed", callsTo(`${server.url}/limited`, "c", 250), {
    lanes: { api: { match: `${server.url}/**`, concurrency: 20 } },
  });
  const state = stage.newState();
  const run = stage.start([
    "run",
    plan,
    "--json",
    "--run-id",
    "r",
    "--workers",
    "4",
    "--state",
    state,
  ]);
  const ended = await run.ended;
  expect(ended.exitCode, ended.stderr).toBe(0);
  const after = (ms: number): number => refusedFrom + ms;
  const between = (from: number, to: number) =>
    server.requests.filter(({ arrivedAt }) => arrivedAt >= from && arrivedAt < to);
  expect(between(after(1_000), after(2_950))).toEqual([]);
  const [probe, ...rest] = between(after(2_950), Infinity);
  const probed = answeredAt.get(probe?.id ?? "") ?? 0;
  expect(probed).toBeGreaterThan(0);
  expect(rest.filter(({ arrivedAt }) => arrivedAt < probed - 5)).toEqual([]);
  const { figures } = await readRun(state, "r");
  // Each of those in flight was refused once, and no call more than that.
  expect(figures.attempts - figures.succeeded).toBeLessThanOrEqual(45);
});

test("a server that is down for a while costs few attempts, and no call", async () => {
  const first = await startMisbehavingServer();
  const port = Number(new URL(first.url).port);
  await first.close();
  const plan = stage.writePlan("down", callsTo(`${first.url}/ok`, "c", 300), {
    lanes: { api: { match: `${first.url}/**`, concurrency: 16 } },
    retry: { attempts: 4, backoff: { first: "100ms", max: "1s" } },
    breaker: { share: "90%", minimum: 10, window: "5s", pause: "1s", max: "2s" },
  });
  const state = stage.newState();
  const run = stage.start(["run", plan, "--json", "--run-id", "r", "--state", state]);
  await wait(6_000);
  const server = await startMisbehavingServer(port);
  stage.onClose(() => server.close());
  const ended = await run.ended;
  expect(ended.exitCode, ended.stderr).toBe(0);
  const { figures } = await readRun(state, "r");
  expect(figures.succeeded).toBe(300);
  // Some forty before the breaker opened, and a probe every two seconds.
  expect(figures.attempts - 300).toBeLessThan(100);
});

test("a lane that adapts follows a server that takes 20 at once, then 5, then 40", async () => {
  const server = await stage.startServer();
  let most = 20;
  let open = 0;
  let refused = 0;
  server.on("cap", async ({ response, signal }) => {
    if (open >= most) {
      refused++;
      response.writeHead(429).end();
      return;
    }
    open++;
    await wait(100, undefined, { signal }).catch(() => {});
    open--;
    response.writeHead(200).end();
  });
  const plan = stage.writePlan("adapts", callsTo(`${server.url}/cap`, "c", 20_000), {
    lanes: { api: { match: `${server.url}/**`, concurrency: { min: 4, max: 100 } } },
    retry: { attempts: 50, backoff: { first: "200ms", max: "1s" } },
  });
  const run = stage.start(["run", plan, "--json", "--state", stage.newState()]);
  await server.waitForRequests(200);
  for (const now of [20, 5, 40]) {
    most = now;
    await wait(2_000);
    let sum = 0;
    const samples = 120;
    for (let sample = 0; sample < samples; sample++) {
      sum += open;
      await wait(10);
    }
    // On an idle machine 0.65 to 0.8.
    expect(sum / samples / most, `of ${most}`).toBeGreaterThan(0.25);
  }
  expect(refused / server.requests.length).toBeLessThan(0.2);
  run.kill("SIGINT");
  await run.ended;
}, 150_000);
