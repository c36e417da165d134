import fc from "fast-check";
import { expect, test } from "vitest";
import { chunkCalls } from "../../../producer/publish/chunk-size.ts";
import { Window, windowCalls } from "../../../producer/publish/window.ts";
import type { Broker, Depth } from "../../../shared/broker/broker.ts";
import { laneQueue } from "../../../shared/broker/broker.ts";
import type { Lane } from "../../../shared/model/lane.ts";

const lane = (limits: Partial<Lane> = {}): Lane => ({
  name: "crm",
  match: [],
  concurrency: 64,
  ...limits,
});
const NOTHING: Depth = { visible: 0, notVisible: 0, delayed: 0 };

/** A queue whose depth is what these tests say; counts how often it is asked for. */
class Queue {
  lane = NOTHING;
  ledger = NOTHING;
  looks = 0;
  readonly broker = {
    depth: async (queue: string): Promise<Depth> => {
      if (queue !== laneQueue("crm")) return this.ledger;
      this.looks++;
      return this.lane;
    },
  } as Broker;
}

/** Notes messages of so many calls until the window is full; how many calls that were. */
async function fill(window: Window, callsAMessage: number, most = 1_000_000): Promise<number> {
  let calls = 0;
  while (calls < most && !(await window.isFull())) {
    window.note(callsAMessage * 100, callsAMessage);
    calls += callsAMessage;
  }
  return calls;
}

test("what waits is worked off in about two seconds at the lane's rate, whatever its slots and its workers' hands", () => {
  const count = fc.integer({ min: 1, max: 10_000 });
  fc.assert(
    fc.property(
      count,
      fc.constantFrom(1_000, 60_000, 3_600_000),
      fc.integer({ min: 1, max: 100_000 }),
      fc.nat(1_000_000),
      (count, perMs, concurrency, inHand) => {
        const calls = windowCalls(lane({ concurrency, rate: { count, perMs } }), inHand);
        expect((calls * perMs) / count).toBeLessThanOrEqual(2_000 + perMs / count + 1e-6);
        expect(calls).toBeGreaterThanOrEqual(1);
      },
    ),
  );
});

test("a lane without a rate may have as much waiting as its workers hold, and a chunk for every slot", () => {
  expect(windowCalls(lane({ concurrency: 200 }), 0)).toBe(800);
  expect(windowCalls(lane(), 900)).toBe(900);
  expect(windowCalls(lane({ concurrency: 256, minConcurrency: 200 }), 0)).toBe(800);
  expect(windowCalls(lane({ concurrency: 256, minConcurrency: 1 }), 900)).toBe(900);
});

test("a run of some hundred calls is published at once, unless a rate is stricter", () => {
  expect(windowCalls(lane({ concurrency: 1 }), 0)).toBe(500);
  expect(windowCalls(lane({ rate: { count: 20, perMs: 1_000 } }), 0)).toBe(41);
});

test("about a second's worth may wait where workers hold so much that calls must be short", () => {
  expect(windowCalls(lane(), 6_000)).toBe(24_000);
  expect(windowCalls(lane({ concurrency: 1 }), 500)).toBe(2_000);
});

test("a rate that the slots cannot keep up with is no reason to pile up calls", () => {
  const rate = { count: 1_000, perMs: 1_000 };
  expect(windowCalls(lane({ concurrency: 8, rate }), 70)).toBe(500);
  expect(windowCalls(lane({ concurrency: 8, rate: { ...rate, burst: 500 } }), 9_000)).toBe(2_500);
});

test("a slow lane's run is published no further ahead than a few seconds, chunk included", async () => {
  const slow = lane({ rate: { count: 100, perMs: 1_000 } });
  const queue = new Queue();
  const window = new Window(queue.broker, slow);
  let calls = 0;
  while (!(await window.isFull())) {
    const chunk = chunkCalls(calls, slow);
    window.note(chunk * 100, chunk);
    calls += chunk;
    queue.lane = { ...NOTHING, visible: queue.lane.visible + 1 };
  }
  expect(calls).toBeGreaterThanOrEqual(200);
  expect(calls).toBeLessThanOrEqual(320);
});

test("a queue is looked at only when the window seems full, and no more than some times a second", async () => {
  const queue = new Queue();
  const window = new Window(queue.broker, lane());
  expect(await fill(window, 32, 499)).toBe(512);
  expect(queue.looks).toBe(0);
  queue.lane = { ...NOTHING, visible: 8 };
  const until = performance.now() + 600;
  const stop = new AbortController();
  const waiting = window.room(stop.signal);
  while (performance.now() < until) {
    expect(await window.isFull()).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  stop.abort();
  await waiting;
  expect(queue.looks).toBeLessThanOrEqual(11);
});

test("once full, it opens again when half of what waited has gone", async () => {
  const queue = new Queue();
  const window = new Window(queue.broker, lane());
  await fill(window, 32);
  queue.lane = { ...NOTHING, visible: 8 };
  expect(await window.isFull()).toBe(true);
  queue.lane = { ...NOTHING, visible: 7 };
  await window.room(new AbortController().signal);
  expect(await fill(window, 32)).toBe(288);
});

test("it opens as far as workers take on, and up to its bytes for a lane that is fast", async () => {
  const queue = new Queue();
  const window = new Window(queue.broker, lane());
  await fill(window, 250);
  queue.lane = { ...NOTHING, notVisible: 3 };
  await window.room(new AbortController().signal);
  expect(await fill(window, 250)).toBe(750);
  // A message has some 25 kB: 4 MB are about 160 of them.
  queue.lane = { ...NOTHING, notVisible: 120 };
  await window.room(new AbortController().signal);
  expect(await fill(window, 250)).toBeLessThanOrEqual(41 * 250);
});

test("a ledger queue that nobody reads holds up a lane by its bytes, however idle the lane is", async () => {
  const queue = new Queue();
  const window = new Window(queue.broker, lane());
  queue.ledger = { ...NOTHING, visible: 161 };
  for (let left = 160; left > 0; left--) {
    if (await window.isFull()) await window.room(new AbortController().signal);
    window.note(25_000, 250);
  }
  const stop = new AbortController();
  let isOpen = false;
  const waiting = window.room(stop.signal).then(() => (isOpen = true));
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(isOpen).toBe(false);
  queue.ledger = { ...NOTHING, visible: 40 };
  await waiting;
});

test("a count that is behind the times is not believed beyond what the rate can have done", async () => {
  const queue = new Queue();
  const window = new Window(queue.broker, lane({ rate: { count: 10, perMs: 1_000 } }));
  await fill(window, 10);
  // The first look sets the clock; what the queue then says it has lost in no time, it has not.
  queue.lane = { ...NOTHING, visible: 3 };
  expect(await window.isFull()).toBe(true);
  const since = performance.now();
  queue.lane = NOTHING;
  await window.room(new AbortController().signal);
  // From 30 calls to 10, half of what may wait, at four times ten a second.
  expect(performance.now() - since).toBeGreaterThan(450);
});

test("a producer in a hurry is held up by bytes alone", async () => {
  const queue = new Queue();
  const window = new Window(queue.broker, lane({ rate: { count: 1, perMs: 1_000 } }), true);
  expect(await fill(window, 250, 39_750)).toBe(39_750);
  expect(queue.looks).toBe(0);
});

test("waiting for room ends when the run does", async () => {
  const queue = new Queue();
  queue.lane = { ...NOTHING, visible: 100 };
  const window = new Window(queue.broker, lane());
  await fill(window, 250);
  const stop = new AbortController();
  const waiting = window.room(stop.signal);
  stop.abort();
  await waiting;
  expect(await window.isFull()).toBe(true);
});
