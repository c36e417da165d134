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
