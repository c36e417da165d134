import { expect, test } from "vitest";
import type { CallTask, Chunk } from "../../../consumer/receive/chunk.ts";
import { HOLD_MS, writeCheckpoint } from "../../../consumer/receive/hold.ts";
import { AccessBook } from "../../../consumer/auth/access-book.ts";
import { Intake } from "../../../consumer/receive/intake.ts";
import { RunWatch } from "../../../consumer/receive/run-watch.ts";
import type { Broker, Delivery } from "../../../shared/broker/broker.ts";
import { deadQueue, laneQueue } from "../../../shared/broker/broker.ts";
import type { Coordination } from "../../../shared/coordination/coordination.ts";
import { createMemoryCoordination } from "../../../shared/coordination/memory-coordination.ts";
import { decodeMessage, encodeMessage } from "../../../shared/model/message.ts";
import type { CallsMessage } from "../../../shared/model/message.ts";
import { connect, startEmbedded } from "../../shared/broker/embedded.ts";
import { makePolicy } from "../../support/policy.ts";

const LANE = "default";
const QUEUE = laneQueue(LANE);

function makeMessage(changes: Partial<CallsMessage> = {}): CallsMessage {
  return {
    v: 1,
    kind: "calls",
    run: "r",
    generation: 1,
    lane: LANE,
    chunk: "0",
    policy: makePolicy(),
    calls: ["a", "b", "c"].map((id) => ({ id, url: `http://127.0.0.1/${id}` })),
    ...changes,
  };
}

interface Bench {
  readonly broker: Broker;
  readonly coordination: Coordination;
  readonly unknown: CallTask[];
  /** Receipts of deliveries that were left to come again. */
  readonly left: string[];
  /** Receives everything there is and opens it; `receiveCount` as if it had come so often. */
  open(receiveCount?: number, broker?: Broker): Promise<Chunk[]>;
  receive(queue?: string): Promise<Delivery[]>;
}

async function setUp(): Promise<Bench> {
  const { endpointUrl } = await startEmbedded();
  const broker = connect(endpointUrl);
  await broker.ensure([LANE]);
  const coordination = createMemoryCoordination();
  const unknown: CallTask[] = [];
  const left: string[] = [];
  const receive = async (queue = QUEUE): Promise<Delivery[]> =>
    broker.receive(queue, { maxMessages: 10, waitSeconds: 0 });
  return {
    broker,
    coordination,
    unknown,
    left,
    receive,
    open: async (receiveCount = 1, used = broker) => {
      const watch = new RunWatch(coordination, (error) => {
        throw error;
      });
      const intake = new Intake({
        broker: used,
        coordination,
        watch,
        accesses: new AccessBook(),
        lane: LANE,
        onUnknown: (task) => unknown.push(task),
        onLeft: (receipt) => left.push(receipt),
      });
      const deliveries = await receive();
      return intake.open(deliveries.map((delivery) => ({ ...delivery, receiveCount })));
    },
  };
}

/** A broker whose process dies when it comes to remove something. */
function dyingAtRemove(broker: Broker): Broker {
  return new Proxy(broker, {
    get(target, name) {
      if (name === "remove") return () => Promise.reject(new Error("died here"));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

async function isGone({ broker }: Bench): Promise<boolean> {
  const { visible, notVisible } = await broker.depth(QUEUE);
  return visible + notVisible === 0;
}

test("a first delivery is worked on as it is", async () => {
  const bench = await setUp();
  await bench.broker.send(QUEUE, [{ body: encodeMessage(makeMessage()) }]);
  const [chunk] = await bench.open();
  expect(chunk?.ready).toBe(3);
});

test("W10 what nobody can read goes to the dead queue with the reason, and the lane goes on", async () => {
  const bench = await setUp();
  await bench.broker.send(QUEUE, [{ body: "rubbish" }, { body: encodeMessage(makeMessage()) }]);
  expect((await bench.open()).length).toBe(1);
  const [dead] = await bench.receive(deadQueue(LANE));
  expect(dead?.body).toBe("rubbish");
  expect(dead?.attributes["reason"]).toMatch(/not JSON/);
});

test("W10 a death before it is removed leaves it in both queues", async () => {
  const bench = await setUp();
  await bench.broker.send(QUEUE, [{ body: "rubbish" }]);
  await expect(bench.open(1, dyingAtRemove(bench.broker))).rejects.toThrow("died here");
  expect((await bench.receive(deadQueue(LANE))).length).toBe(1);
  expect(await isGone(bench)).toBe(false);
});

test("W11 a message that comes early goes back with a delay; a death in between leaves two of it", async () => {
  const bench = await setUp();
  const early = makeMessage({ notBefore: Date.now() + 3_600_000 });
  await bench.broker.send(QUEUE, [{ body: encodeMessage(early) }]);
  await expect(bench.open(1, dyingAtRemove(bench.broker))).rejects.toThrow("died here");
  expect(await bench.broker.depth(QUEUE)).toEqual({ visible: 0, notVisible: 1, delayed: 1 });
});

test("W12 from the third receive a chunk is split into suspects of one call", async () => {
  const bench = await setUp();
  await bench.broker.send(QUEUE, [{ body: encodeMessage(makeMessage()) }]);
  await bench.coordination.writeCheckpoint("r/1/0", { done: [1], attempts: { 2: 3 } }, Date.now());
  expect(await bench.open(3)).toEqual([]);
  const singles = (await bench.receive()).map(({ body }) => decodeMessage(body) as CallsMessage);
  expect(singles.map(({ calls }) => calls.map(({ id }) => id).join()).toSorted()).toEqual([
    "a",
    "c",
  ]);
  expect(singles.every(({ suspect }) => suspect === true)).toBe(true);
  expect(new Set(singles.map(({ chunk }) => chunk)).size).toBe(2);
  expect(singles.find(({ calls }) => calls[0]?.id === "c")?.calls[0]?.attempts).toBe(3);
  expect(await bench.coordination.readCheckpoint("r/1/0")).toBeUndefined();
});

test("W12 a death between the parts and the removal leaves both, to be made twice and accounted once", async () => {
  const bench = await setUp();
  await bench.broker.send(QUEUE, [{ body: encodeMessage(makeMessage()) }]);
  await expect(bench.open(3, dyingAtRemove(bench.broker))).rejects.toThrow("died here");
  expect(await bench.broker.depth(QUEUE)).toMatchObject({ visible: 3, notVisible: 1 });
});

test("on redelivery calls that are done are not made again, and attempts go on counting", async () => {
  const bench = await setUp();
  await bench.broker.send(QUEUE, [{ body: encodeMessage(makeMessage()) }]);
  await bench.coordination.writeCheckpoint("r/1/0", { done: [0], attempts: { 1: 4 } }, Date.now());
  const [chunk] = await bench.open(2);
  expect(chunk?.ready).toBe(2);
  expect(chunk?.take()).toMatchObject({ index: 1, attempts: 4 });
});

test("an unsafe call that may have been started is unknown, one that was not is made", async () => {
  const bench = await setUp();
  const calls = ["a", "b", "c"].map((id) => ({
    id,
    method: "POST" as const,
    url: "http://127.0.0.1/",
  }));
  await bench.broker.send(QUEUE, [{ body: encodeMessage(makeMessage({ calls })) }]);
  const checkpoint = { startedBelow: 2, done: [0], attempts: {} };
  await bench.coordination.writeCheckpoint("r/1/0", checkpoint, Date.now());
  const [chunk] = await bench.open(2);
  expect(bench.unknown.map(({ call }) => call.id)).toEqual(["b"]);
  expect(chunk?.take()?.call.id).toBe("c");
});

test("a copy of a chunk with unsafe calls waits while another delivery of it is worked on", async () => {
  const bench = await setUp();
  const body = encodeMessage(makePosts({}));
  await bench.broker.send(QUEUE, [{ body }]);
  const [chunk] = await bench.open();
  expect(chunk?.ready).toBe(3);
  await bench.broker.send(QUEUE, [{ body }]);
  expect(await bench.open()).toEqual([]);
  expect(bench.left).toHaveLength(1);
  expect(await bench.broker.depth(QUEUE)).toMatchObject({ visible: 0, notVisible: 2 });
  expect(bench.unknown).toEqual([]);
});

test("a copy of a chunk with unsafe calls that is over is removed without a call", async () => {
  const bench = await setUp();
  await bench.coordination.endChunks(["r/1/0"], Date.now());
  await bench.broker.send(QUEUE, [{ body: encodeMessage(makePosts({})) }]);
  expect(await bench.open()).toEqual([]);
  expect(await isGone(bench)).toBe(true);
});

test("who has lost hold of a chunk marks nothing of it any more", async () => {
  const bench = await setUp();
  await bench.broker.send(QUEUE, [{ body: encodeMessage(makePosts({})) }]);
  const [chunk] = (await bench.open()) as [Chunk];
  const later = Date.now() + 2 * HOLD_MS;
  const request = { chunk: chunk.key, holder: "another", ttlMs: HOLD_MS, now: later };
  expect(await bench.coordination.holdChunk(request)).toMatchObject({ state: "ours" });
  expect(await writeCheckpoint(bench.coordination, chunk)).toBe(false);
  expect(chunk.isLost).toBe(true);
});

test.each([
  ["of an older generation", { generation: 2, state: "running" } as const],
  ["of a cancelled run", { generation: 1, state: "cancelled" } as const],
  ["of a paused run", { generation: 1, state: "paused" } as const],
  ["of an interrupted run", { generation: 1, state: "interrupted" } as const],
])("a message %s is dropped without a call", async (_name, control) => {
  const bench = await setUp();
  await bench.coordination.setControl("r", control);
  await bench.broker.send(QUEUE, [{ body: encodeMessage(makeMessage()) }]);
  expect(await bench.open()).toEqual([]);
  expect(await isGone(bench)).toBe(true);
});

test.each([
  ["W11 a message that came early", makePosts({ notBefore: Date.now() + 3_600_000 }), 1],
  ["W12 a chunk that is split", makePosts({}), 3],
])("%s does not leave unsafe calls to be made in both messages", async (_name, message, count) => {
  const bench = await setUp();
  await bench.broker.send(QUEUE, [{ body: encodeMessage(message) }]);
  await expect(bench.open(count, dyingAtRemove(bench.broker))).rejects.toThrow("died here");
  // The old message comes again: whatever it holds is in the other one too.
  const checkpoint = await bench.coordination.readCheckpoint("r/1/0");
  expect(checkpoint?.startedBelow).toBe(3);
  expect([...(await bench.coordination.startedUnsafe("r"))].toSorted()).toEqual(["a", "b", "c"]);
});

function makePosts(changes: Partial<CallsMessage>): CallsMessage {
  const calls = ["a", "b", "c"].map((id) => ({
    id,
    method: "POST" as const,
    url: "http://127.0.0.1/",
  }));
  return makeMessage({ calls, ...changes });
}
