import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { createBroker } from "../../shared/broker/aws-broker.ts";
import { laneQueue } from "../../shared/broker/broker.ts";
import type { Broker, Depth } from "../../shared/broker/broker.ts";
import type { Figures } from "../../shared/model/figures.ts";
import { FlowStage, callsTo, readRun } from "../support/flow-stage.ts";
import { expectNothingLost, expectUnsafeOnce, madeAgain } from "../support/run-invariants.ts";
import type { Ended, SenpuProcess } from "../support/senpu-process.ts";

const stage = new FlowStage("shutdown");

const IN_FLIGHT = 50;

/** A client of the state folder's broker, once that answers. */
async function connectTo(state: string): Promise<Broker> {
  const endpointUrl = await vi.waitFor(
    () => {
      const text = readFileSync(join(state, "broker.json"), "utf8");
      const { endpoint } = JSON.parse(text) as { readonly endpoint: string | null };
      if (endpoint === null) throw new Error("the broker has not started yet");
      return endpoint;
    },
    { timeout: 15_000 },
  );
  const broker = createBroker({ endpointUrl });
  stage.onClose(() => broker.close());
  return broker;
}

/** Resolves once the lane's depth is so, with how long that took. */
async function untilDepth(broker: Broker, holds: (depth: Depth) => boolean): Promise<number> {
  const from = performance.now();
  await vi.waitFor(
    async () => {
      if (!holds(await broker.depth(laneQueue("default")))) throw new Error("not yet");
    },
    { timeout: 15_000, interval: 10 },
  );
  return performance.now() - from;
}

async function stop(process: SenpuProcess): Promise<Ended & { readonly tookMs: number }> {
  const from = performance.now();
  process.kill("SIGTERM");
  const ended = await process.ended;
  return { ...ended, tookMs: performance.now() - from };
}

describe.concurrent("a worker that gets SIGTERM", () => {
  test("with 50 calls in flight finishes them, hands the others on at once, and no call is made twice", async () => {
    const server = await stage.startServer();
    const answers = Promise.withResolvers<void>();
    server.on("gate", async ({ response }) => {
      await answers.promise;
      response.end();
    });
    const [gets, posts] = [
      callsTo(`${server.url}/gate`, "get", 50),
      callsTo(`${server.url}/gate`, "post", 25, { method: "POST", json: {} }),
    ];
    const calls = gets.flatMap((get, n) => (n % 2 === 0 ? [get, posts[n / 2]!] : [get]));
    const plan = stage.writePlan("fifty", calls, {
      lanes: { default: { concurrency: IN_FLIGHT } },
    });
    const state = stage.newState();
    const words = ["--quiet", "--state", state];
    const run = stage.start(["run", plan, "--json", "--run-id", "r", "--no-worker", ...words]);
    const broker = await connectTo(state);
    await untilDepth(broker, ({ visible }) => visible > 0);
    const first = stage.start(["worker", ...words]);
    await server.waitForRequests(IN_FLIGHT);
    // All that there is, and more than is in flight.
    await untilDepth(broker, ({ visible, notVisible }) => visible === 0 && notVisible > 0);
    const started = server.requests.length;
    const stopped = stop(first);
    const availableMs = await untilDepth(broker, ({ visible }) => visible > 0);
    const startedMeanwhile = server.requests.length - started;
    answers.resolve();
    const second = stage.start(["worker", ...words]);
    const ended = await stopped;
    expect(ended.exitCode, ended.stderr).toBe(0);
    expect(ended.stderr).toBe("");
    expect(ended.tookMs).toBeLessThan(5_000);
    expect(availableMs, "others could have the rest").toBeLessThan(1_500);
    expect(startedMeanwhile, "starts after the signal").toBe(0);
    const settled = await run.ended;
    expect(settled.exitCode, settled.stderr).toBe(0);
    const { figures, rows } = await readRun(state, "r");
    const { requests } = server;
    expectNothingLost({ figures, rows, requests, ids: calls.map(({ id }) => id) });
    expectUnsafeOnce({ figures, rows, requests, ids: [] });
    expect(madeAgain({ figures, rows, requests, ids: [] })).toEqual([]);
    expect(requests).toHaveLength(calls.length);
    expect((await stop(second)).exitCode).toBe(0);
  }, 150_000);

  test("twice is ended at once, with 130, and says what becomes of its calls", async () => {
    const server = await stage.startServer();
    const plan = stage.writePlan("twice", callsTo(`${server.url}/hang`, "h", 3));
    const state = stage.newState();
    const words = ["--state", state];
    const run = stage.start(["run", plan, "--quiet", "--no-worker", "--run-id", "r", ...words]);
    const broker = await connectTo(state);
    const worker = stage.start(["worker", ...words]);
    await server.waitForRequests(3);
    worker.kill("SIGTERM");
    await untilDepth(broker, ({ notVisible }) => notVisible > 0);
    const { exitCode, stderr, tookMs } = await stop(worker);
    expect(exitCode).toBe(130);
    expect(tookMs).toBeLessThan(1_500);
    expect(stderr).toContain("ended at once; what was in flight comes back within half a minute");
    expect((await stop(run)).exitCode).toBe(130);
  }, 150_000);

  test("while it waits for a broker that never answers ends within seconds", async () => {
    const mute = createServer(() => {}).listen(0, "127.0.0.1");
    stage.onClose(async () => void mute.close());
    await once(mute, "listening");
    const endpoint = `http://127.0.0.1:${(mute.address() as AddressInfo).port}`;
    const asked = once(mute, "connection");
    const state = stage.newState();
    const worker = stage.start(["worker", "--endpoint-url", endpoint, "--state", state]);
    await asked;
    const { exitCode, tookMs, stderr } = await stop(worker);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(tookMs).toBeLessThan(5_000);
  }, 150_000);
});

describe.concurrent("a run with three worker processes that gets SIGTERM", () => {
  test("is interrupted, keeps its state, and none of them outlives it", async () => {
    const server = await stage.startServer();
    const calls = callsTo(`${server.url}/slow/300`, "c", 200);
    const plan = stage.writePlan("three", calls, { lanes: { default: { concurrency: 12 } } });
    const state = stage.newState();
    const words = ["run", plan, "--json", "--run-id", "r", "--workers", "3"];
    const run = stage.start([...words, "--state", state]);
    await server.waitForRequests(20);
    const children = run.children();
    expect(children).toHaveLength(3);
    const { exitCode, stdout, stderr } = await stop(run);
    expect(exitCode, stderr).toBe(130);
    for (const pid of children) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
    const figures = JSON.parse(stdout) as Figures;
    expect(figures.state).toBe("interrupted");
    expect(figures.succeeded).toBe(server.requests.length);
  }, 150_000);

  test("twice takes them with it, whatever they are at", async () => {
    const server = await stage.startServer();
    const plan = stage.writePlan("hung", callsTo(`${server.url}/hang`, "h", 30));
    const state = stage.newState();
    const run = stage.start(["run", plan, "--json", "--workers", "2", "--state", state]);
    await server.waitForRequests(30);
    const children = run.children();
    run.kill("SIGTERM");
    await run.waitForStderr(/Ctrl-C again/);
    expect((await stop(run)).exitCode).toBe(130);
    await vi.waitFor(
      () => {
        for (const pid of children) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
      },
      { timeout: 2_000 },
    );
  }, 150_000);
});
