import { onTestFinished, expect, test } from "vitest";
import { AccessBook } from "../../../consumer/auth/access-book.ts";
import { workBatch } from "../../../consumer/entries/work-batch.ts";
import type { BatchResult } from "../../../consumer/entries/work-batch.ts";
import type { Broker, Delivery } from "../../../shared/broker/broker.ts";
import { laneQueue } from "../../../shared/broker/broker.ts";
import { openFolderAnswers } from "../../../shared/answers/folder-answers.ts";
import { openFolderClaims } from "../../../shared/claims/folder-claims.ts";
import type { HoldRequest } from "../../../shared/coordination/coordination.ts";
import { createMemoryCoordination } from "../../../shared/coordination/memory-coordination.ts";
import type { Call } from "../../../shared/model/call.ts";
import { decodeMessage, encodeMessage } from "../../../shared/model/message.ts";
import type { CallsMessage } from "../../../shared/model/message.ts";
import { startMisbehavingServer } from "../../support/misbehaving-server.ts";
import type { MisbehavingServer } from "../../support/misbehaving-server.ts";
import { makePolicy } from "../../support/policy.ts";
import { connect, startEmbedded, temporaryFolder } from "../../shared/broker/embedded.ts";

const LANE = "default";
const QUEUE = laneQueue(LANE);

interface Bench {
  readonly broker: Broker;
  readonly server: MisbehavingServer;
  /** Sends the calls as one message, receives it, and works on it for so long. */
  readonly work: (
    calls: readonly Call[],
    timeMs: number,
    concurrency?: number,
  ) => Promise<BatchResult>;
  /** Calls that lie in the lane's queue again. */
  readonly again: () => Promise<Call[]>;
}

async function setUp(): Promise<Bench> {
  const { endpointUrl } = await startEmbedded();
  const broker = connect(endpointUrl);
  await broker.ensure([LANE]);
  const server = await startMisbehavingServer();
  onTestFinished(() => server.close());
  const receive = (): Promise<Delivery[]> =>
    broker.receive(QUEUE, { maxMessages: 10, waitSeconds: 2 });
  return {
    broker,
    server,
    work: async (calls, timeMs, concurrency = 64) => {
      const message: CallsMessage = {
        v: 1,
        kind: "calls",
        run: "r",
        generation: 1,
        lane: LANE,
        chunk: "0",
        policy: makePolicy({ timeoutMs: 10_000 }),
        calls,
      };
      await broker.send(QUEUE, [{ body: encodeMessage(message) }]);
      const work = {
        broker,
        coordination: createMemoryCoordination(),
        claims: openFolderClaims(temporaryFolder()),
        accesses: new AccessBook(),
        answers: openFolderAnswers(temporaryFolder()),
        limit: { lane: LANE, concurrency },
        worker: "test",
        endsAt: 0,
      };
      const deliveries = await receive();
      return workBatch({ ...work, endsAt: Date.now() + timeMs }, deliveries);
    },
    again: async () => {
      const messages = (await receive()).map(({ body }) => decodeMessage(body) as CallsMessage);
      return messages.flatMap(({ calls }) => calls);
    },
  };
}

test("what fits is made, and the message is gone", async () => {
  const { work, server, broker } = await setUp();
  const { tally, held } = await work([{ id: "a", url: `${server.url}/ok?id=a` }], 3_000);
  expect({ tally, held }).toEqual({
    tally: { succeeded: 1, failed: 0, putBack: 0, dropped: 0 },
    held: [],
  });
  expect(await broker.depth(QUEUE)).toEqual({ visible: 0, notVisible: 0, delayed: 0 });
});

test("it ends as soon as all is done, not when its time is up", async () => {
  const { work, server } = await setUp();
  const startedAt = performance.now();
  await work([{ id: "a", url: `${server.url}/ok?id=a` }], 60_000);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

test("calls for which no slot came free in time are put back, with no attempt used up", async () => {
  const { work, server, again } = await setUp();
  const calls = ["a", "b", "c", "d"].map((id) => ({ id, url: `${server.url}/slow/600?id=${id}` }));
  const { tally, held } = await work(calls, 1_500, 1);
  expect(held).toEqual([]);
  expect(tally.succeeded + tally.putBack).toBe(4);
  expect(tally.putBack).toBeGreaterThan(0);
  const put = await again();
  expect(put.length).toBe(tally.putBack);
  expect(put.every((call) => call.attempts === undefined)).toBe(true);
});

test("a call that waits to be tried again is put back with its attempts, until it is due", async () => {
  const { work, server, again } = await setUp();
  const url = `${server.url}/status/503?retry-after=2&id=a`;
  const { tally, held } = await work([{ id: "a", url }], 1_500);
  expect({ tally, held }).toMatchObject({ tally: { putBack: 1 }, held: [] });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(await again()).toMatchObject([{ id: "a", attempts: 1 }]);
});

test("a call in flight when time is up is given up: tried again if it may be, unknown if not", async () => {
  const { work, server, again } = await setUp();
  const startedAt = Date.now();
  const { tally, held } = await work(
    [
      { id: "get", url: `${server.url}/hang?id=get` },
      { id: "post", method: "POST", url: `${server.url}/hang?id=post` },
    ],
    // An unsafe call starts only in the first fifth of it, and a busy machine takes its time.
    6_000,
  );
  expect(Date.now() - startedAt).toBeLessThan(7_500);
  expect({ tally, held }).toMatchObject({ tally: { failed: 1, putBack: 1 }, held: [] });
  expect(await again()).toMatchObject([{ id: "get", attempts: 1 }]);
});

/** The port with one of its methods replaced. */
function replacing<Port extends object>(port: Port, method: keyof Port, by: unknown): Port {
  return new Proxy(port, {
    get(target, name) {
      if (name === method) return by;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

function deliveryOf(changes: Partial<CallsMessage>, receiveCount = 1): Delivery {
  const message: CallsMessage = {
    v: 1,
    kind: "calls",
    run: "r",
    generation: 1,
    lane: LANE,
    chunk: "0",
    policy: makePolicy(),
    calls: [],
    ...changes,
  };
  const body = encodeMessage(message);
  return { receipt: message.chunk, body, attributes: {}, receiveCount, sentAt: Date.now() };
}

const limit = { lane: LANE, concurrency: 1 };

test("what the broker does not take back is reported as held", async () => {
  const { broker, server } = await setUp();
  const deaf = replacing(broker, "publish", () => Promise.reject(new Error("the broker is gone")));
  const calls = [{ id: "a", url: `${server.url}/ok?id=a` }];
  const { held } = await workBatch(
    {
      broker: deaf,
      coordination: createMemoryCoordination(),
      claims: openFolderClaims(temporaryFolder()),
      accesses: new AccessBook(),
      answers: openFolderAnswers(temporaryFolder()),
      limit,
      worker: "test",
      endsAt: Date.now() + 2_000,
    },
    [deliveryOf({ chunk: "its-receipt", calls })],
  );
  expect(held).toEqual(["its-receipt"]);
});

test("a batch that could be taken on only in part fails as a whole, so that nothing of it counts as done", async () => {
  const { broker, server } = await setUp();
  const calls: Call[] = [{ id: "a", method: "POST", url: `${server.url}/ok?id=a` }];
  const memory = createMemoryCoordination();
  await memory.writeCheckpoint("r/1/0", { startedBelow: 1, done: [], attempts: {} }, Date.now());
  const coordination = replacing(memory, "holdChunk", (request: HoldRequest) =>
    request.chunk === "r/1/0"
      ? memory.holdChunk(request)
      : Promise.reject(new Error("coordination is gone")),
  );
  const claims = openFolderClaims(temporaryFolder());
  const answers = openFolderAnswers(temporaryFolder());
  const endsAt = Date.now() + 2_000;
  const accesses = new AccessBook();
  const stores = { broker, coordination, claims, answers, accesses };
  const work = { ...stores, limit, worker: "test", endsAt };
  const deliveries = [deliveryOf({ calls }, 2), deliveryOf({ calls, chunk: "1" }, 2)];
  await expect(workBatch(work, deliveries)).rejects.toThrow("coordination is gone");
});

test("a copy of what another delivery is worked on is reported, so that it is not removed with the batch", async () => {
  const { broker, server } = await setUp();
  const coordination = createMemoryCoordination();
  const calls: Call[] = [{ id: "a", method: "POST", url: `${server.url}/ok?id=a` }];
  const now = Date.now();
  await coordination.holdChunk({ chunk: "r/1/0", holder: "another", ttlMs: 20_000, now });
  const claims = openFolderClaims(temporaryFolder());
  const answers = openFolderAnswers(temporaryFolder());
  const endsAt = now + 2_000;
  const accesses = new AccessBook();
  const stores = { broker, coordination, claims, answers, accesses };
  const work = { ...stores, limit, worker: "test", endsAt };
  const { tally, held } = await workBatch(work, [deliveryOf({ calls })]);
  expect(held).toHaveLength(1);
  expect(tally).toMatchObject({ succeeded: 0, putBack: 0 });
  expect(server.requests).toHaveLength(0);
});
