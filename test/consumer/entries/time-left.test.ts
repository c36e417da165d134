import fc from "fast-check";
import { expect, test } from "vitest";
import { neededMs, reserveMs } from "../../../consumer/entries/time-left.ts";

test("an attempt that fits starts only if its whole timeout is left", () => {
  expect(neededMs(10_000, false, 118_000)).toBe(10_000);
});

test("an attempt whose timeout is longer than the function's time starts early on, an unsafe one earlier", () => {
  expect(neededMs(10_000, false, 2_500)).toBe(1_500);
  expect(neededMs(10_000, true, 2_500)).toBe(1_875);
});

test("whatever the timeout, a call can be started when an event has just come", () => {
  const ms = fc.integer({ min: 1, max: 900_000 });
  fc.assert(
    fc.property(
      ms,
      fc.integer({ min: 1_000, max: 900_000 }),
      fc.boolean(),
      (timeout, left, unsafe) => {
        const workMs = left - reserveMs(left);
        return neededMs(timeout, unsafe, workMs) <= workMs * 0.75;
      },
    ),
  );
});

test.each([
  [1_000, 300],
  [3_000, 450],
  [120_000, 2_000],
])("of %i ms, %i are kept for telling", (leftMs, kept) => {
  expect(reserveMs(leftMs)).toBe(kept);
});
