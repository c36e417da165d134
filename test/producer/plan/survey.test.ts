import { expect, test } from "vitest";
import { durationMs, runDurationMs, surveyPlan } from "../../../producer/plan/survey.ts";
import { readFiles } from "./plan-files.ts";

const urls = (host: string, count: number): string =>
  Array.from({ length: count }, (_, index) => `  - https://${host}/${index}`).join("\n");

async function survey(settings: string) {
  const calls = `calls:\n${urls("wide", 400)}\n${urls("paced", 100)}\n${urls("rest", 64)}`;
  return surveyPlan(await readFiles({ "p.yaml": `${settings}\n${calls}` }), () => {});
}

const LANES = `
lanes:
  wide: { match: "https://wide/**", concurrency: { min: 2, max: 40 } }
  paced: { match: "https://paced/**", rate: 10/s, burst: 20 }`;

test("each lane is told with its limits, and lanes run side by side", async () => {
  const told = await survey(LANES);
  expect(told).toMatchObject({ calls: 564, invalid: 0, leastMs: 8_000, total: null });
  expect(told.lanes).toMatchObject([
    { lane: "wide", calls: 400, concurrency: 40, minConcurrency: 2, burst: null, leastMs: null },
    // Twenty start at once, eighty at ten a second.
    {
      lane: "paced",
      calls: 100,
      minConcurrency: null,
      ratePerSecond: 10,
      burst: 20,
      leastMs: 8_000,
    },
    { lane: "default", calls: 64, concurrency: 64, ratePerSecond: null, leastMs: null },
  ]);
  expect(told.lanes.map((lane) => durationMs(lane, 1_000))).toEqual([10_000, 9_000, 1_000]);
  expect(runDurationMs(told, 1_000)).toBe(10_000);
});

test("a total binds where it is slower than the lanes", async () => {
  const byRate = await survey(`${LANES}\ntotal: { rate: 20/s, burst: 4 }`);
  expect(byRate.total).toEqual({
    calls: 564,
    concurrency: null,
    ratePerSecond: 20,
    burst: 4,
    leastMs: 28_000,
  });
  expect(byRate.leastMs).toBe(28_000);
  expect(runDurationMs(byRate, 1_000)).toBe(29_000);

  const bySlots = await survey(`${LANES}\ntotal: { concurrency: 10 }`);
  expect(bySlots).toMatchObject({ leastMs: 8_000, total: { concurrency: 10, leastMs: null } });
  expect(runDurationMs(bySlots, 1_000)).toBe(57_000);

  const idle = await survey(`${LANES}\ntotal: { concurrency: 1000, rate: 5000/s }`);
  expect(runDurationMs(idle, 1_000)).toBe(10_000);
});
