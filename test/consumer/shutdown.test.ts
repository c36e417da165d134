import { expect, onTestFinished, test, vi } from "vitest";
import { Worker } from "../../consumer/worker.ts";
import { laneQueue } from "../../shared/broker/broker.ts";
import type { Broker, Delivery } from "../../shared/broker/broker.ts";
import { openFolderAnswers } from "../../shared/answers/folder-answers.ts";
import { openFolderClaims } from "../../shared/claims/folder-claims.ts";
import { createMemoryCoordination } from "../../shared/coordination/memory-coordination.ts";
import type { Coordination, LaneLimit } from "../../shared/coordination/coordination.ts";
import { decodeMessage, encodeMessage } from "../../shared/model/message.ts";
import type { Call } from "../../shared/model/call.ts";
import type { Outcome } from "../../shared/model/outcome.ts";
import type { Policy } from "../../shared/model/policy.ts";
import { connect, startEmbedded, temporaryFolder } from "../shared/broker/embedded.ts";
import { startMisbehavingServer } from "../support/misbehaving-server.ts";
import type { MisbehavingServer } from "../support/misbehaving-server.ts";
import { makePolicy } from "../support/policy.ts";

const LANE = "crm";
const QUEUE = laneQueue(LANE);

interface Bench {
  readonly broker: Broker;
  readonly coordination: Coordination;
  readonly server: MisbehavingServer;
  readonly worker: Worker;
  /** What the worker said. */
  readonly notices: string[];
  /** Puts one message of these calls into the lane's queue. */
  send(calls: readonly Omit<Call, "url">[], path: string, policy?: Partial<Policy>): Promise<void>;
  /** Deliveries that another worker gets within this time, until so many calls have come. */
  takeOver(calls: number, withinMs: number): Promise<Taken[]>;
  failed(count: number): Promise<Outcome[]>;
}

interface Taken {
  readonly delivery: Delivery;
  readonly calls: readonly Call[];
  readonly afterMs: number;
}

async function setUp(limit: Partial<LaneLimit> = {}): Promise<Bench> {
  const { endpointUrl } = await startEmbedded();
  const broker = connect(endpointUrl);
  const server = await startMisbehavingServer();
  onTestFinished(() => server.close());
  const coordination = createMemoryCoordination();
  await coordination.claimLanes("r", [{ lane: LANE, concurrency: 50, ...limit }]);
  const notices: string[] = [];
  const worker = new Worker({
    broker,
    coordination,
    claims: openFolderClaims(temporaryFolder()),
    answers: openFolderAnswers(temporaryFolder()),
    name: "first",
    only: [LANE],
    onNotice: (text) => notices.push(text),
  });
  await worker.start();
  onTestFinished(() => worker.stop(0));
  let chunk = 0;
  return {
    broker,
    coordination,
    server,
    worker,
    notices,
    send: async (calls, path, policy) => {
      const body = encodeMessage({
        v: 1,
        kind: "calls",
        run: "r",
        generation: 1,
        lane: LANE,
        chunk: String(chunk++),
        policy: makePolicy(policy),
        calls: calls.map((call) => ({ ...call, url: `${server.url}${path}id=${call.id}` })),
      });
      await broker.send(QUEUE, [{ body }]);
    },
    takeOver: async (calls, withinMs) => {
      const from = performance.now();
      const taken: Taken[] = [];
      const count = (): number => taken.reduce((sum, one) => sum + one.calls.length, 0);
      while (count() < calls && performance.now() < from + withinMs) {
        for (const delivery of await broker.receive(QUEUE, { maxMessages: 10, waitSeconds: 1 })) {
          const message = decodeMessage(delivery.body);
          if (message.kind !== "calls") continue;
          taken.push({ delivery, calls: message.calls, afterMs: performance.now() - from });
        }
      }
      return taken;
    },
    failed: async (count) => {
      const outcomes: Outcome[] = [];
      while (outcomes.length < count) {
        for (const { body } of await broker.receive("ledger", {
          maxMessages: 10,
          waitSeconds: 5,
        })) {
          const message = decodeMessage(body);
          if (message.kind === "outcomes") outcomes.push(...message.others);
        }
      }
      return outcomes;
    },
  };
}

const ids = (taken: readonly Taken[]): string[] =>
  taken.flatMap(({ calls }) => calls.map(({ id }) => id)).toSorted();

test("calls that outlast the grace: safe ones go back as if this try had not been, unsafe ones end as unknown", async () => {
  const bench = await setUp();
  const policy = makePolicy();
  await bench.send(
    [{ id: "get" }, { id: "put", method: "PUT" }, { id: "post", method: "POST" }],
    "/hang?",
    // The only attempt that they have, of a kind that is not repeated.
    { retry: { ...policy.retry, attempts: 1, on: [] }, timeoutMs: 30_000 },
  );
  await bench.server.waitForRequests(3);
  const from = performance.now();
  await bench.worker.stop(300);
  expect(performance.now() - from).toBeLessThan(2_000);
  expect(bench.notices).toEqual([
    "calls still in flight after 300ms were cut: 2 went back to the queue, 1 that must not be repeated ended as unknown",
  ]);
  const [outcome] = await bench.failed(1);
  expect(outcome).toMatchObject({ id: "post", state: "failed", reason: "unknown", attempts: 1 });
  const taken = await bench.takeOver(2, 5_000);
  expect(ids(taken)).toEqual(["get", "put"]);
  for (const { calls, delivery } of taken) {
    expect(delivery.receiveCount).toBe(1);
    for (const call of calls) expect(call).toMatchObject({ attempts: 1, failures: [0] });
  }
  expect(await bench.coordination.leased(LANE, Date.now())).toBe(0);
});

test("calls that wait for a far start time go to others at once, and their start times too", async () => {
  const anHourMs = 3_600_000;
  const bench = await setUp({ rate: { count: 1, perMs: anHourMs } });
  const reserved = vi.spyOn(bench.coordination, "reserve");
  await bench.send([{ id: "a" }, { id: "b" }, { id: "c", method: "POST" }], "/ok?");
  await bench.server.waitForRequests(1);
  // The next one's, an hour from now.
  await vi.waitFor(() => expect(reserved).toHaveBeenCalledTimes(2), { timeout: 5_000 });
  const [first, second] = await Promise.all(reserved.mock.results.map(({ value }) => value));
  expect(second - first).toBeGreaterThan(anHourMs);
  const stopped = bench.worker.stop();
  const taken = await bench.takeOver(2, 5_000);
  expect(ids(taken)).toHaveLength(2);
  for (const { delivery, afterMs } of taken) {
    expect(delivery.receiveCount).toBe(1);
    expect(afterMs).toBeLessThan(2_000);
  }
  await stopped;
  const [rate] = [reserved.mock.calls[1]![1]];
  expect(await bench.coordination.reserve(LANE, rate, 1, Date.now())).toBeCloseTo(second, 0);
});

test("calls that wait for a closed destination go back until it opens, at no cost to attempts", async () => {
  const bench = await setUp({ concurrency: 1 });
  const calls = Array.from({ length: 5 }, (_, n) => ({ id: String(n) }));
  await bench.send(calls, "/status/503?retry-after=2&");
  await bench.server.waitForRequests(1);
  // One was refused, and waits for its retry; the others for the destination.
  await vi.waitFor(() => expect(bench.worker.lanes()[0]?.binding?.by).toBe("closed"), {
    timeout: 5_000,
  });
  const from = performance.now();
  await bench.worker.stop();
  expect(performance.now() - from).toBeLessThan(2_000);
  const taken = await bench.takeOver(5, 10_000);
  expect(ids(taken)).toEqual(["0", "1", "2", "3", "4"]);
  expect(bench.server.requests).toHaveLength(1);
  const tried = taken.flatMap((one) => one.calls.map(({ attempts = 0 }) => attempts));
  expect(tried.filter((attempts) => attempts === 0)).toHaveLength(4);
});

test("with nothing in flight it ends at once, though its long poll is open", async () => {
  const bench = await setUp();
  await vi.waitFor(async () => expect(bench.worker.lanes()).toHaveLength(1));
  const from = performance.now();
  await bench.worker.stop();
  expect(performance.now() - from).toBeLessThan(1_000);
  // Nothing that comes then is lost to a poll that nobody reads.
  await bench.send([{ id: "late" }], "/ok?");
  expect(ids(await bench.takeOver(1, 3_000))).toEqual(["late"]);
  expect(bench.server.requests).toHaveLength(0);
});

test("with the broker out of reach it ends soon after its grace, and says why", async () => {
  const { endpointUrl, stop } = await startEmbedded();
  const broker = connect(endpointUrl);
  const server = await startMisbehavingServer();
  onTestFinished(() => server.close());
  const worker = new Worker({
    broker,
    coordination: createMemoryCoordination(),
    claims: openFolderClaims(temporaryFolder()),
    answers: openFolderAnswers(temporaryFolder()),
    name: "first",
  });
  await worker.start();
  const body = encodeMessage({
    v: 1,
    kind: "calls",
    run: "r",
    generation: 1,
    lane: "default",
    chunk: "0",
    policy: makePolicy({ timeoutMs: 30_000 }),
    calls: [{ id: "a", url: `${server.url}/slow/300?id=a` }],
  });
  await broker.send(laneQueue("default"), [{ body }]);
  await server.waitForRequests(1);
  await stop();
  const from = performance.now();
  await expect(worker.stop(100)).rejects.toThrow(/could not hand back/);
  expect(performance.now() - from).toBeLessThan(8_000);
});
