import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Total } from "../../../consumer/receive/total.ts";
import type { Pump } from "../../../consumer/receive/total.ts";
import { createMemoryCoordination } from "../../../shared/coordination/memory-coordination.ts";
import { TOTAL } from "../../../shared/model/lane.ts";

beforeEach(() => void vi.useFakeTimers({ now: 1_800_000_000_000 }));
afterEach(() => void vi.useRealTimers());

function makeTotal(): Total {
  const onFailed = (error: unknown): void => {
    throw error;
  };
  return new Total({ coordination: createMemoryCoordination(), worker: "w", onFailed });
}

/** A lane with calls for ever, of which `limit` may be in flight. */
function joinLane(total: Total, name: string, started: string[], limit = Infinity): Pump {
  const lane: Pump = {
    startOne: () => {
      if (started.filter((one) => one === name).length >= limit || !total.isFree()) return false;
      total.take(1_000);
      started.push(name);
      return true;
    },
    rest: () => total.setDemand(lane, 100),
  };
  total.join(lane);
  return lane;
}

test("lanes take turns, a call each, and one that cannot is passed over", async () => {
  const total = makeTotal();
  const started: string[] = [];
  total.setLimit({ lane: TOTAL, concurrency: 9 });
  joinLane(total, "a", started);
  joinLane(total, "b", started);
  joinLane(total, "c", started, 1);
  total.pump();
  await vi.advanceTimersByTimeAsync(100);
  expect(started.toSorted()).toEqual(["a", "a", "a", "a", "b", "b", "b", "b", "c"]);
  total.give();
  total.pump();
  total.give();
  total.pump();
  expect(started.slice(-2).toSorted()).toEqual(["a", "b"]);
});

test("a rate without a concurrency holds too", async () => {
  const total = makeTotal();
  const started: string[] = [];
  total.setLimit({ lane: TOTAL, concurrency: Infinity, rate: { count: 20, perMs: 1_000 } });
  joinLane(total, "a", started);
  joinLane(total, "b", started);
  total.pump();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(started.length).toBeGreaterThan(94);
  expect(started.length).toBeLessThanOrEqual(101);
  const ofA = started.filter((name) => name === "a").length;
  expect(Math.abs(ofA - started.length / 2)).toBeLessThan(2);
});
