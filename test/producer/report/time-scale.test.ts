import fc from "fast-check";
import { expect, test } from "vitest";
import { TimeScale, mergeBins, shownFactor } from "../../../producer/report/time-scale.ts";

const LATEST = 2 ** 31 - 1;

test("nothing is lost as the bins widen, in whatever order moments come", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(LATEST), { minLength: 1, maxLength: 30 }), (moments) => {
      const time = new TimeScale(0, LATEST);
      const track = time.sums();
      const most = time.maxima();
      for (const at of moments) {
        const bin = time.binOf(at)!;
        track.values[bin]! += 1;
        most.values[bin] = Math.max(most.values[bin]!, at);
      }
      const sum = Array.from(track.values).reduce((total, value) => total + value, 0);
      expect(sum).toBe(moments.length);
      expect(Math.max(...most.values)).toBe(Math.max(...moments));
      expect(time.bins).toBe(Math.floor(Math.max(...moments) / time.widthMs) + 1);
    }),
    { numRuns: 40 },
  );
});

test("each moment is in the bin of its time, also when it came before the bins widened", () => {
  const time = new TimeScale(1_000, 10 ** 9);
  const track = time.sums();
  for (const at of [1_050, 1_150, 1_950, 601_000]) track.values[time.binOf(at)!]! += 1;
  expect(time.widthMs).toBe(500);
  expect(Array.from(track.values.slice(0, 3))).toEqual([2, 1, 0]);
  expect(track.values[1_200]).toBe(1);
});

test("a span adds to each bin just what of it lies there", () => {
  const time = new TimeScale(0, 10_000);
  const track = time.sums();
  time.addSpan(track, 150, 420);
  expect(Array.from(track.values.slice(0, 6))).toEqual([0, 50, 100, 100, 20, 0]);
});

test("spans keep their length over any widening", () => {
  const spans = fc.array(fc.tuple(fc.nat(10 ** 7), fc.nat(10 ** 5)), { maxLength: 30 });
  fc.assert(
    fc.property(spans, (all) => {
      const time = new TimeScale(0, 10 ** 8);
      const track = time.sums();
      for (const [from, length] of all) time.addSpan(track, from, from + length);
      const sum = Array.from(track.values).reduce((total, value) => total + value, 0);
      expect(sum).toBe(all.reduce((total, [, length]) => total + length, 0));
    }),
  );
});

test("a time before the run, or after now, is in no bin and widens none", () => {
  const time = new TimeScale(10 ** 12, 10 ** 12 + 5_000);
  expect(time.binOf(1_000)).toBeUndefined();
  expect(time.binOf(10 ** 12 + 10 ** 10)).toBeUndefined();
  expect(time.binOf(Number.NaN)).toBeUndefined();
  expect(time.widthMs).toBe(100);
  // Clocks differ a little.
  expect(time.binOf(10 ** 12 - 900)).toBe(0);
});

test.each([
  [100, 30, 200],
  [100, 1_120, 1_000],
  [500, 1_900, 5_000],
  [10_000, 1_999, 120_000],
  [3_600_000, 24 * 60, 21_600_000],
])("bins of %i ms, %i of them, are shown as bins of %i ms", (widthMs, bins, shownMs) => {
  const factor = shownFactor({ widthMs, bins });
  expect(factor * widthMs).toBe(shownMs);
  expect(bins / factor).toBeLessThanOrEqual(240);
});

test("merged bins keep sums, or the highest value", () => {
  const values = new Float64Array([1, 2, 3, 4, 5, 0]);
  expect([...mergeBins({ values, stride: 1, keepsMost: false }, 5, 2)]).toEqual([3, 7, 5]);
  expect([...mergeBins({ values, stride: 1, keepsMost: true }, 5, 2)]).toEqual([2, 4, 5]);
  expect([...mergeBins({ values, stride: 2, keepsMost: false }, 3, 3)]).toEqual([9, 6]);
});
