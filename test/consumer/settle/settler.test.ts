import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Chunk } from "../../../consumer/receive/chunk.ts";
import type { CallTask } from "../../../consumer/receive/chunk.ts";
import { Settler } from "../../../consumer/settle/settler.ts";
import type { Broker, Outgoing } from "../../../shared/broker/broker.ts";
import { createMemoryCoordination } from "../../../shared/coordination/memory-coordination.ts";
import { encodeMessage } from "../../../shared/model/message.ts";
import type { CallsMessage } from "../../../shared/model/message.ts";
import { makePolicy } from "../../support/policy.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A broker at a gate: publishing goes on only when the test lets it. */
function makeGate(): { broker: Broker; published: string[]; open: () => Promise<void> } {
  const waiting: (() => void)[] = [];
  const published: string[] = [];
  const broker = {
    publish: async (_topic: string, entries: readonly Outgoing[]) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      published.push(...entries.map(({ body }) => body));
    },
    send: () => Promise.resolve(),
    remove: () => Promise.resolve(),
  } as unknown as Broker;
  const open = async (): Promise<void> => {
    waiting.shift()?.();
    await vi.advanceTimersByTimeAsync(0);
  };
  return { broker, published, open };
}

function takeAll(ids: readonly string[]): CallTask[] {
  const message: CallsMessage = {
    v: 1,
    kind: "calls",
    run: "r",
    generation: 1,
    lane: "default",
    chunk: "0",
    policy: makePolicy(),
    calls: ids.map((id) => ({ id, url: "http://127.0.0.1/" })),
  };
  const delivery = {
    receipt: "x",
    body: encodeMessage(message),
    attributes: {},
    receiveCount: 1,
    sentAt: 0,
  };
  const chunk = new Chunk(delivery, message, undefined);
  return ids.map(() => chunk.take() as CallTask);
}

test("what settles while a flush is under way goes with the next, however long the flush takes", async () => {
  const { broker, published, open } = makeGate();
  const over: Chunk[] = [];
  const settler = new Settler({
    broker,
    coordination: createMemoryCoordination(),
    answers: { commit: async () => [], close: async () => {} },
    lane: "default",
    worker: "w",
    onOver: (chunk) => over.push(chunk),
    onFailed: (error) => {
      throw error;
    },
  });
  const [first, second] = takeAll(["a", "b"]) as [CallTask, CallTask];
  const settle = (task: CallTask): void =>
    settler.settle(task, {
      id: task.call.id,
      state: "succeeded",
      status: 200,
      attempts: 1,
      startedAt: 1,
      settledAt: 2,
      latencyMs: 1,
    });
  settle(first);
  await vi.advanceTimersByTimeAsync(200);
  settle(second);
  // Its time comes while the first flush still waits for the broker.
  await vi.advanceTimersByTimeAsync(500);
  await open();
  expect(published).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(500);
  await open();
  expect(published.join()).toContain('["b",200');
  expect(over).toHaveLength(1);
});

test("a chunk that waits leaves a checkpoint once it is a second old, though nothing more of it settles", async () => {
  const { broker, open } = makeGate();
  const coordination = createMemoryCoordination();
  const settler = new Settler({
    broker,
    answers: { commit: async () => [], close: async () => {} },
    coordination,
    lane: "default",
    worker: "w",
    onOver: () => {},
    onFailed: (error) => {
      throw error;
    },
  });
  const [done] = takeAll(["a", "b"]) as [CallTask, CallTask];
  settler.settle(done, { id: "a", state: "succeeded", attempts: 1, settledAt: 2 });
  await vi.advanceTimersByTimeAsync(200);
  await open();
  expect(await coordination.readCheckpoint("r/1/0")).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1_200);
  await open();
  expect(await coordination.readCheckpoint("r/1/0")).toMatchObject({ done: [0] });
});

test("a failed call's letter is there before its outcome is told", async () => {
  const steps: string[] = [];
  const broker = {
    publish: async (topic: string, entries: readonly Outgoing[]) => {
      if (entries.length > 0) steps.push(topic);
    },
    send: async (queue: string) => void steps.push(queue),
    remove: async (queue: string) => void steps.push(`remove from ${queue}`),
  } as unknown as Broker;
  const settler = new Settler({
    broker,
    coordination: createMemoryCoordination(),
    answers: { commit: async () => [], close: async () => {} },
    lane: "default",
    worker: "w",
    onOver: () => {},
    onFailed: (error) => {
      throw error;
    },
  });
  const [task] = takeAll(["a"]) as [CallTask];
  settler.settle(task, {
    id: "a",
    state: "failed",
    reason: "rejected",
    attempts: 1,
    settledAt: 2,
  });
  await settler.flush();
  expect(steps).toEqual(["lane-default-failed", "outcomes", "remove from lane-default"]);
});
