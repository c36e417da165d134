import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Slots } from "../../../consumer/receive/slots.ts";
import { createMemoryCoordination } from "../../../shared/coordination/memory-coordination.ts";
import { OutOfReach } from "../../../shared/coordination/patience.ts";

beforeEach(() => void vi.useFakeTimers({ now: 1_800_000_000_000 }));
afterEach(() => void vi.useRealTimers());

const isGone = { value: false };
beforeEach(() => void (isGone.value = false));

function makeSlots(
  coordination: ReturnType<typeof createMemoryCoordination>,
  worker: string,
  limit: number,
): Slots {
  const gone = new Proxy(coordination, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown =>
        isGone.value
          ? Promise.reject(new OutOfReach(new Error("gone")))
          : (value.apply(target, args) as unknown);
    },
  });
  return new Slots(limit, {
    coordination: gone,
    lane: "api",
    worker,
    onGranted: () => {},
    onFailed: (error) => {
      throw error;
    },
  });
}

/** Takes all that are free. */
function takeAll(slots: Slots): number {
  while (slots.isFree) slots.take();
  return slots.used;
}

test("two workers that want more than there is have half each", async () => {
  const coordination = createMemoryCoordination();
  const both = ["a", "b"].map((name) => makeSlots(coordination, name, 8));
  for (const slots of both) slots.setDemand(100);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(both.map(takeAll)).toEqual([4, 4]);
});

test("while a lease is asked for, no more are taken than it was told are held", async () => {
  const coordination = createMemoryCoordination();
  let answer = (): void => {};
  const slow = new Proxy(coordination, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]): Promise<unknown> => {
        const result: unknown = await value.apply(target, args);
        if (name === "lease") await new Promise<void>((resolve) => (answer = resolve));
        return result;
      };
    },
  });
  const first = makeSlots(slow, "a", 4);
  first.setDemand(100);
  await vi.advanceTimersByTimeAsync(0);
  answer();
  await vi.advanceTimersByTimeAsync(0);
  first.take();
  const second = makeSlots(coordination, "b", 4);
  second.setDemand(100);
  // The next lease of the first one is under way, and has shrunk; the second has what it gave up.
  await vi.advanceTimersByTimeAsync(1_000);
  second.setDemand(100);
  await vi.advanceTimersByTimeAsync(500);
  const most = takeAll(first) + takeAll(second);
  expect(most).toBeLessThanOrEqual(4);
  answer();
  await vi.advanceTimersByTimeAsync(0);
  expect(takeAll(first) + takeAll(second)).toBeLessThanOrEqual(4);
  expect(takeAll(first)).toBe(2);
});

test("a limit that shrinks acts at once, and takes nothing away that is used", async () => {
  const slots = makeSlots(createMemoryCoordination(), "a", 8);
  slots.setDemand(100);
  await vi.advanceTimersByTimeAsync(100);
  expect(takeAll(slots)).toBe(8);
  slots.setLimit(3);
  for (let i = 0; i < 5; i++) {
    expect(slots.isFree).toBe(false);
    slots.give();
  }
  expect(slots.isFree).toBe(false);
  slots.give();
  await vi.advanceTimersByTimeAsync(50);
  expect(slots.isFree).toBe(true);
});

test("out of reach, it keeps what was granted and no more than its share, then its whole share", async () => {
  const coordination = createMemoryCoordination();
  const [modest, greedy] = [makeSlots(coordination, "a", 8), makeSlots(coordination, "b", 8)];
  for (const slots of [modest, greedy]) slots.note(2_000);
  modest.setDemand(2);
  greedy.setDemand(100);
  await vi.advanceTimersByTimeAsync(3_000);
  expect([takeAll(modest), takeAll(greedy)]).toEqual([2, 6]);
  isGone.value = true;
  modest.setDemand(100);
  await vi.advanceTimersByTimeAsync(1_500);
  expect([takeAll(modest), takeAll(greedy)]).toEqual([2, 6]);
  // By then whatever the other had beyond its share is over.
  for (let i = 0; i < 6; i++) greedy.give();
  await vi.advanceTimersByTimeAsync(6_000);
  expect([takeAll(modest), takeAll(greedy)]).toEqual([4, 4]);
});

test("out of reach from the start, nothing is started", async () => {
  const slots = makeSlots(createMemoryCoordination(), "a", 8);
  isGone.value = true;
  slots.setDemand(100);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(slots.isFree).toBe(false);
});

test("what is short is asked for less and less often", async () => {
  const coordination = createMemoryCoordination();
  await coordination.lease({
    lane: "api",
    worker: "other",
    wanted: 8,
    held: 8,
    limit: 8,
    ttlMs: 60_000,
    now: Date.now(),
  });
  const lease = vi.spyOn(coordination, "lease");
  const slots = makeSlots(coordination, "a", 8);
  for (let i = 0; i < 200; i++) {
    slots.setDemand(10);
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(lease.mock.calls.length).toBeLessThan(16);
});

test("what is given back is not leased again by a renewal that was under way", async () => {
  const coordination = createMemoryCoordination();
  const answer = Promise.withResolvers<void>();
  const slow = {
    ...coordination,
    workers: async (lane: string, now: number) => {
      await answer.promise;
      return coordination.workers(lane, now);
    },
    lease: coordination.lease.bind(coordination),
  };
  const slots = makeSlots(slow, "a", 8);
  slots.setDemand(8);
  const closed = slots.close();
  answer.resolve();
  await closed;
  expect(await coordination.leased("api", Date.now())).toBe(0);
});
