import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { LaneLimit } from "../../../shared/coordination/coordination.ts";
import { tightestLimits } from "../../../shared/coordination/lane-limits.ts";
import { TOTAL } from "../../../shared/model/lane.ts";

const perSecond = (count: number, burst?: number) =>
  burst === undefined ? { count, perMs: 1000 } : { count, perMs: 1000, burst };
const crm = (limit: Partial<LaneLimit>): LaneLimit => ({ lane: "crm", concurrency: 8, ...limit });
const claim: fc.Arbitrary<LaneLimit> = fc.record(
  {
    lane: fc.constantFrom("crm", "mail", TOTAL),
    concurrency: fc.oneof(fc.integer({ min: 1, max: 64 }), fc.constant(Infinity)),
    minConcurrency: fc.integer({ min: 1, max: 64 }),
    rate: fc.record(
      {
        count: fc.integer({ min: 1, max: 9 }),
        perMs: fc.constantFrom(1000, 60_000),
        burst: fc.integer({ min: 1, max: 9 }),
      },
      { requiredKeys: ["count", "perMs"] },
    ),
  },
  { requiredKeys: ["lane", "concurrency"] },
);

test("what holds does not hang on the order of the claims, nor on one that is made twice", () => {
  const byLane = (limits: LaneLimit[]): LaneLimit[] =>
    limits.toSorted((a, b) => (a.lane < b.lane ? -1 : 1));
  fc.assert(
    fc.property(fc.array(claim, { minLength: 1 }), (claims) => {
      const limits = byLane(tightestLimits(claims));
      expect(byLane(tightestLimits(claims.toReversed()))).toEqual(limits);
      expect(byLane(tightestLimits([...claims, ...claims]))).toEqual(limits);
      for (const { concurrency, minConcurrency = 1 } of limits) {
        expect(minConcurrency).toBeLessThanOrEqual(concurrency);
      }
    }),
  );
});

test("of lanes that adapt, the smallest minimum holds, but never more than the concurrency", () => {
  expect(
    tightestLimits([crm({ minConcurrency: 6 }), crm({ concurrency: 4, minConcurrency: 5 })]),
  ).toEqual([crm({ concurrency: 4, minConcurrency: 4 })]);
  expect(tightestLimits([crm({ minConcurrency: 9 })])).toEqual([crm({ minConcurrency: 8 })]);
});

test("one who gives a fixed number fixes the lane for all", () => {
  const adapts = crm({ minConcurrency: 2 });
  expect(tightestLimits([adapts, crm({}), adapts])).toEqual([crm({})]);
});

test("a burst is the slower rate's, and of equal rates the smaller one", () => {
  const limit = (...rates: { count: number; perMs: number; burst?: number }[]) =>
    tightestLimits(rates.map((rate) => crm({ rate })))[0]!.rate;
  expect(limit(perSecond(5, 9), perSecond(10, 2))).toEqual(perSecond(5, 9));
  expect(limit(perSecond(10, 2), perSecond(5))).toEqual(perSecond(5));
  expect(limit(perSecond(10, 5), { count: 600, perMs: 60_000, burst: 3 })).toEqual({
    count: 600,
    perMs: 60_000,
    burst: 3,
  });
  expect(limit(perSecond(10, 5), perSecond(10))).toEqual(perSecond(10));
});

test("the cap over all lanes is capped by whoever caps it", () => {
  const rate = perSecond(50);
  const uncapped = { lane: TOTAL, concurrency: Infinity, rate };
  expect(tightestLimits([uncapped])).toEqual([uncapped]);
  expect(tightestLimits([uncapped, { lane: TOTAL, concurrency: 100 }])).toEqual([
    { lane: TOTAL, concurrency: 100, rate },
  ]);
});
