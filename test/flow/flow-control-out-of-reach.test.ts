import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { Worker } from "../../consumer/worker.ts";
import type { Coordination } from "../../shared/coordination/coordination.ts";
import { openSqliteCoordination } from "../../shared/coordination/sqlite-coordination.ts";
import { SenpuError } from "../../shared/errors.ts";
import { openSession } from "../../shared/session.ts";
import { mostWithin } from "../support/arrivals.ts";
import { FlowStage, callsTo, findRun, readRun } from "../support/flow-stage.ts";

const stage = new FlowStage("flow-control-out-of-reach");

interface Store {
  readonly coordination: Coordination;
  isGone: boolean;
}

/** The coordination of a state folder, which can be taken away. */
function openStore(state: string): Store {
  const real = openSqliteCoordination(join(state, "coordination.db"));
  const store: Store = {
    isGone: false,
    coordination: new Proxy(real, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        return (...args: unknown[]): unknown =>
          store.isGone && name !== "close"
            ? Promise.reject(new SenpuError("coordination", "the store is gone"))
            : (value.apply(target, args) as unknown);
      },
    }),
  };
  return store;
}

test("workers go on within their shares while coordination is out of reach, and say so once", async () => {
  const server = await stage.startServer();
  const state = stage.newState();
  const plan = stage.writePlan("gone", callsTo(`${server.url}/slow/20`, "c", 360), {
    lanes: { api: { match: `${server.url}/**`, rate: "60/s", concurrency: 4 } },
  });
  const run = stage.start([
    "run",
    plan,
    "--json",
    "--run-id",
    "r",
    "--no-worker",
    "--state",
    state,
  ]);
  await vi.waitFor(async () => expect(await findRun(state, "r")).toBeDefined(), 10_000);
  const session = await openSession({ state, standby: false });
  const notices: string[] = [];
  const parts = [1, 2].map((n) => {
    const store = openStore(state);
    const { broker, claims, answers } = session;
    const onNotice = (text: string): void => void notices.push(`${n}: ${text}`);
    const worker = new Worker({ ...store, broker, claims, answers, name: `worker-${n}`, onNotice });
    return { store, worker };
  });
  onTestFinished(async () => {
    for (const { store } of parts) await store.coordination.close();
    await session.close();
  });
  for (const { worker } of parts) await worker.start();
  await server.waitForRequests(60);
  for (const { store } of parts) store.isGone = true;
  const goneAt = performance.timeOrigin + performance.now();
  await wait(2_500);
  const made = server.requests.filter(({ arrivedAt }) => arrivedAt > goneAt);
  expect(made.length, "they go on").toBeGreaterThan(40);
  expect(mostWithin(made, 1_000)).toBeLessThanOrEqual(66);
  expect(parts[0]?.worker.lanes().map(({ binding }) => binding?.by)).toContain("coordination");
  for (const { store } of parts) store.isGone = false;
  const ended = await run.ended;
  expect(ended.exitCode, ended.stderr).toBe(0);
  for (const { worker } of parts) await worker.stop();
  const { figures } = await readRun(state, "r");
  expect(figures).toMatchObject({ succeeded: 360, failed: 0, attempts: 360 });
  expect(server.maxConcurrent).toBeLessThanOrEqual(4);
  for (const n of [1, 2]) {
    const own = notices.filter((notice) => notice.startsWith(`${n}: `));
    expect(own[0]).toContain("out of reach (the store is gone)");
    expect(own[1]).toContain("answers again");
    expect(own).toHaveLength(2);
  }
}, 150_000);

test("unsafe calls wait for their mark while coordination is out of reach", async () => {
  const server = await stage.startServer();
  const state = stage.newState();
  const calls = callsTo(`${server.url}/ok`, "c", 60, { method: "POST", json: {} });
  const plan = stage.writePlan("unsafe", calls, {
    lanes: { api: { match: `${server.url}/**`, rate: "30/s" } },
  });
  const run = stage.start([
    "run",
    plan,
    "--json",
    "--run-id",
    "r",
    "--no-worker",
    "--state",
    state,
  ]);
  await vi.waitFor(async () => expect(await findRun(state, "r")).toBeDefined(), 10_000);
  const session = await openSession({ state, standby: false });
  const store = openStore(state);
  const { broker, claims, answers } = session;
  const worker = new Worker({
    ...store,
    broker,
    claims,
    answers,
    name: "worker",
    onNotice: () => {},
  });
  onTestFinished(async () => {
    await store.coordination.close();
    await session.close();
  });
  await worker.start();
  await server.waitForRequests(10);
  store.isGone = true;
  await wait(1_000);
  const marked = server.requests.length;
  await wait(1_000);
  // Eight are marked at a time.
  expect(marked).toBeLessThanOrEqual(10 + 16);
  expect(server.requests.length).toBe(marked);
  store.isGone = false;
  const ended = await run.ended;
  await worker.stop();
  expect(ended.exitCode, ended.stderr).toBe(0);
  expect(server.requests).toHaveLength(60);
}, 150_000);
