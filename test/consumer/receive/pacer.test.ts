import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Pacer } from "../../../consumer/receive/pacer.ts";
import type { Coordination } from "../../../shared/coordination/coordination.ts";
import { createMemoryCoordination } from "../../../shared/coordination/memory-coordination.ts";
import { OutOfReach } from "../../../shared/coordination/patience.ts";
import type { Rate } from "../../../shared/model/lane.ts";
import { mostMoments } from "../../support/arrivals.ts";

/** Long enough that a share of a percent shows. */
const LONG_MS = 20_000;

beforeEach(() => void vi.useFakeTimers({ now: 1_800_000_000_000 }));
afterEach(() => void vi.useRealTimers());

interface Party {
  /** When calls started, in order. */
  readonly starts: number[];
  /** Calls at hand of each worker. */
  wanted: number;
  readonly close: () => void;
}

/** Workers that start calls as soon as their times come; timers are late by up to `lateMs`, as on a busy machine. */
function startWorkers(count: number, rate: Rate, coordination: Coordination, lateMs = 3): Party {
  const closing: (() => void)[] = [];
  const party: Party = {
    starts: [],
    wanted: 1_000,
    close: () => {
      for (const close of closing) close();
    },
  };
  for (let worker = 0; worker < count; worker++) {
    let due: NodeJS.Timeout | undefined;
    const pump = (): void => {
      due = undefined;
      while (party.wanted > 0 && pacer.isDue(party.wanted)) {
        pacer.take();
        party.starts.push(Date.now());
      }
    };
    const pacer = new Pacer({
      coordination,
      lane: "api",
      workers: () => count,
      onReady: () => (due ??= setTimeout(pump, Math.random() * lateMs)),
      onFailed: (error) => {
        throw error;
      },
    });
    pacer.setRate(rate);
    pump();
    closing.push(() => {
      clearTimeout(due);
      void pacer.close();
    });
  }
  return party;
}

/** Of the starts that the rate allows, those made, the first second left out. */
function shareOf(rate: Rate, starts: readonly number[]): number {
  const from = 1_800_000_000_000 + 1_000;
  const made = starts.filter((at) => at >= from && at < from + LONG_MS).length;
  return made / ((LONG_MS / rate.perMs) * rate.count);
}

describe.each([5, 100, 2_000])("at %i/s", (count) => {
  test.each([1, 2, 3, 4])("%i workers meet the rate, and never pass it", async (workers) => {
    const rate: Rate = { count, perMs: 1_000 };
    const party = startWorkers(workers, rate, createMemoryCoordination());
    await vi.advanceTimersByTimeAsync(LONG_MS + 2_000);
    party.close();
    expect(mostMoments(party.starts, 1_000)).toBeLessThanOrEqual(count);
    expect(shareOf(rate, party.starts)).toBeGreaterThan(0.97);
  });
});

test("a burst starts at once after a pause, and no second sees more than the rate and the burst", async () => {
  const rate: Rate = { count: 20, perMs: 1_000, burst: 10 };
  const later = startWorkers(2, rate, createMemoryCoordination(), 1);
  await vi.advanceTimersByTimeAsync(5_000);
  later.close();
  const [first = 0] = later.starts;
  expect(later.starts.filter((at) => at < first + 20).length).toBeGreaterThanOrEqual(8);
  expect(mostMoments(later.starts, 1_000)).toBeLessThanOrEqual(30);
});

test("nothing is reserved that no call waits for", async () => {
  const coordination = createMemoryCoordination();
  const reserve = vi.spyOn(coordination, "reserve");
  const party = startWorkers(1, { count: 100, perMs: 1_000 }, coordination);
  await vi.advanceTimersByTimeAsync(1_000);
  party.wanted = 0;
  await vi.advanceTimersByTimeAsync(500);
  const before = reserve.mock.calls.length;
  await vi.advanceTimersByTimeAsync(5_000);
  party.close();
  expect(reserve.mock.calls.length).toBe(before);
});

test("an answer that takes long costs no start times", async () => {
  const coordination = createMemoryCoordination();
  const slow: Coordination = {
    ...proxyOf(coordination),
    reserve: async (...request) => {
      await new Promise((resolve) => setTimeout(resolve, 60));
      return coordination.reserve(...request);
    },
  };
  const rate: Rate = { count: 50, perMs: 1_000 };
  const party = startWorkers(2, rate, slow);
  await vi.advanceTimersByTimeAsync(LONG_MS + 2_000);
  party.close();
  expect(shareOf(rate, party.starts)).toBeGreaterThan(0.95);
  expect(mostMoments(party.starts, 1_000)).toBeLessThanOrEqual(50);
});

test("out of reach, each worker keeps to its share on its own clock", async () => {
  const coordination = createMemoryCoordination();
  const gone: Coordination = {
    ...proxyOf(coordination),
    reserve: () => Promise.reject(new OutOfReach(new Error("gone"))),
  };
  const rate: Rate = { count: 60, perMs: 1_000 };
  const party = startWorkers(3, rate, gone);
  await vi.advanceTimersByTimeAsync(LONG_MS + 2_000);
  party.close();
  expect(shareOf(rate, party.starts)).toBeGreaterThan(0.9);
  expect(mostMoments(party.starts, 1_000)).toBeLessThanOrEqual(63);
});

/** The port's methods, so that some can be replaced. */
function proxyOf(coordination: Coordination): Coordination {
  return new Proxy(coordination, {
    ownKeys: (target) => Reflect.ownKeys(Object.getPrototypeOf(target) as object),
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
