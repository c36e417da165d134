import { expect, test } from "vitest";
import { simulateLimits } from "./limits.ts";
import { customerCalls, packRun } from "./packing.ts";

const scene = { callMs: 100, seconds: 5 };

test.each([
  ["as many slots as nobody needs, a store that is near", 30, 1_000, 1_000, 2],
  ["a store that is far, a rate that brings many starts at once", 100, 10_000, 1_000_000, 12],
])("workers that share a rate reach it: %s", async (_name, workers, count, concurrency, trip) => {
  const limit = { lane: "api", concurrency, rate: { count, perMs: 1_000 } };
  const held = await simulateLimits({ ...scene, workers, limit, roundTripMs: trip });
  expect(held.share).toBeGreaterThan(0.97);
  expect(held.mostASecond).toBeLessThanOrEqual(count);
});

test.each([
  [40, 64],
  [40, 7],
])("%i workers that share %i slots use them, and no more", async (workers, concurrency) => {
  const limit = { lane: "api", concurrency };
  const held = await simulateLimits({ ...scene, workers, limit, roundTripMs: 6 });
  expect(held.mostInFlight).toBe(concurrency);
  expect(held.share).toBeGreaterThan(0.9);
});

test("a run that is packed holds each call once, within what SNS takes", () => {
  const packed = packRun(customerCalls(20_000, 300), {
    name: "api",
    match: ["**"],
    concurrency: 1_000,
  });
  expect(packed.calls).toBe(20_000);
  expect(packed.largestBytes).toBeLessThanOrEqual(240_000);
  expect(packed.publishes).toBeGreaterThanOrEqual(packed.messages / 10);
});
