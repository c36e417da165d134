import * as fc from "fast-check";
import { expect, test } from "vitest";
import { intervalMs, reserveStarts } from "../../../shared/coordination/gcra.ts";
import type { Rate } from "../../../shared/model/lane.ts";

/** Beyond it, epoch milliseconds as doubles are not exact. */
const EPSILON_MS = 0.01;

const rate: fc.Arbitrary<Rate> = fc.record({
  count: fc.integer({ min: 1, max: 1000 }),
  perMs: fc.constantFrom(1000, 60_000, 3_600_000),
});
const requests = fc.array(
  fc.record({
    count: fc.integer({ min: 1, max: 20 }),
    afterMs: fc.oneof(fc.constant(0), fc.nat(5000)),
  }),
  { minLength: 1, maxLength: 20 },
);
const T0 = 1_785_542_400_000;

const bursting: fc.Arbitrary<Rate> = fc
  .tuple(rate, fc.integer({ min: 1, max: 50 }))
  .map(([given, burst]) => ({ ...given, burst }));

/** All start times that these requests are given, with the time at which they asked. */
function starts(
  given: Rate,
  asked: readonly { count: number; afterMs: number }[],
): { at: number; askedAt: number }[] {
  let now = T0;
  let nextAt: number | undefined;
  return asked.flatMap(({ count, afterMs }) => {
    now += afterMs;
    const reservation = reserveStarts(nextAt, given, count, now);
    nextAt = reservation.nextAt;
    const askedAt = now;
    return Array.from({ length: count }, (_, index) => ({
      at: reservation.firstAt + index * intervalMs(given),
      askedAt,
    }));
  });
}

test("start times come in order, none twice, none closer than the rate allows, none in the past", () => {
  fc.assert(
    fc.property(rate, requests, (given, asked) => {
      const all = starts(given, asked);
      for (const [index, { at, askedAt }] of all.entries()) {
        expect(at).toBeGreaterThanOrEqual(askedAt);
        const before = all[index - 1];
        if (before) expect(at - before.at).toBeGreaterThanOrEqual(intervalMs(given) - EPSILON_MS);
      }
    }),
  );
});

test("with a burst, in any time there start at most as many as its intervals, and the burst", () => {
  fc.assert(
    fc.property(fc.oneof(rate, bursting), requests, (given, asked) => {
      // What lies in the past when it is asked for starts at once.
      const all = starts(given, asked).map(({ at, askedAt }) => Math.max(at, askedAt));
      for (let first = 0; first < all.length; first++) {
        for (let last = first; last < all.length; last++) {
          const windowMs = all[last]! - all[first]! + EPSILON_MS;
          const most = windowMs / intervalMs(given) + (given.burst ?? 1) + EPSILON_MS;
          if (last - first + 1 > most) expect.fail(`${last - first + 1} in ${windowMs} ms`);
        }
      }
    }),
    { numRuns: 40 },
  );
});

test("after a long pause the whole burst may start, and not one more", () => {
  fc.assert(
    fc.property(bursting, fc.integer({ min: 1, max: 100 }), (given, count) => {
      const spent = reserveStarts(undefined, given, count, T0).nextAt;
      const pausedAt = T0 + (count + 50) * intervalMs(given);
      const { firstAt } = reserveStarts(spent, given, given.burst! + 1, pausedAt);
      const times = Array.from(
        { length: given.burst! + 1 },
        (_, index) => firstAt + index * intervalMs(given),
      );
      const atOnce = times.filter((at) => at <= pausedAt + EPSILON_MS);
      expect(atOnce).toHaveLength(given.burst!);
    }),
  );
});

test("a burst of one is the same as none", () => {
  fc.assert(
    fc.property(rate, requests, (given, asked) => {
      expect(starts({ ...given, burst: 1 }, asked)).toEqual(starts(given, asked));
    }),
  );
});

test("a reservation of more than the burst goes on at the rate", () => {
  const bursts = { count: 10, perMs: 1000, burst: 3 };
  const first = reserveStarts(undefined, bursts, 5, T0);
  // At once: -200, -100 and 0; then 100 and 200.
  expect(first).toEqual({ firstAt: T0 - 200, nextAt: T0 + 300 });
  expect(reserveStarts(first.nextAt, bursts, 1, T0 + 350).firstAt).toBe(T0 + 300);
});

test("time that nobody used is gone", () => {
  const first = reserveStarts(undefined, { count: 10, perMs: 1000 }, 3, T0);
  expect(first).toEqual({ firstAt: T0, nextAt: T0 + 300 });
  expect(reserveStarts(first.nextAt, { count: 10, perMs: 1000 }, 1, T0 + 250).firstAt).toBe(
    T0 + 300,
  );
  expect(reserveStarts(first.nextAt, { count: 10, perMs: 1000 }, 1, T0 + 9000).firstAt).toBe(
    T0 + 9000,
  );
});
