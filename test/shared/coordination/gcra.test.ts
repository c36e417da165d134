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

test("in any time there are at most as many as the rate gives, and one", () => {
  fc.assert(
    fc.property(rate, requests, (given, asked) => {
      const all = starts(given, asked).map(({ at }) => at);
      for (let first = 0; first < all.length; first++) {
        for (let last = first; last < all.length; last++) {
          const windowMs = all[last]! - all[first]! + EPSILON_MS;
          expect(last - first + 1).toBeLessThanOrEqual(
            windowMs / intervalMs(given) + 1 + EPSILON_MS,
          );
        }
      }
    }),
    { numRuns: 40 },
  );
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
