import { expect, test } from "vitest";
import { durationMs } from "../../../producer/plan/duration.ts";
import { surveyPlan } from "../../../producer/plan/survey.ts";
import type { Survey } from "../../../producer/plan/survey.ts";
import { OVERHEAD_MS, forecast } from "../../../producer/preflight/forecast.ts";
import { readFiles } from "./plan-files.ts";

const urls = (host: string, count: number): string =>
  Array.from({ length: count }, (_, index) => `  - https://${host}/${index}`).join("\n");

async function survey(settings: string) {
  const calls = `calls:\n${urls("wide", 400)}\n${urls("paced", 100)}\n${urls("rest", 64)}`;
  return surveyPlan(await readFiles({ "p.yaml": `${settings}\n${calls}` }), () => {});
}

/** Of the whole run, where each call takes a second. */
function runMs(survey: Survey): number {
  return forecast({ survey, known: new Map(), givenMs: 1_000 }).durationMs;
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
  // Workers stay some percent below the rate.
  expect(told.lanes.map((lane) => Math.round(durationMs(lane, 1_000)))).toEqual([
    10_000, 9_122, 1_000,
  ]);
  expect(runMs(told)).toBe(OVERHEAD_MS + 10_000);
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
  expect(Math.round(runMs(byRate))).toBe(OVERHEAD_MS + 29_426);

  const bySlots = await survey(`${LANES}\ntotal: { concurrency: 10 }`);
  expect(bySlots).toMatchObject({ leastMs: 8_000, total: { concurrency: 10, leastMs: null } });
  expect(runMs(bySlots)).toBe(OVERHEAD_MS + 57_000);

  const idle = await survey(`${LANES}\ntotal: { concurrency: 1000, rate: 5000/s }`);
  expect(runMs(idle)).toBe(OVERHEAD_MS + 10_000);
});

test("what a message, a function and a queue need to know is told of each lane", async () => {
  const large = JSON.stringify("x".repeat(300_000));
  const told = await surveyPlan(
    await readFiles({
      "p.yaml": `
defaults: { timeout: 5s }
calls:
  - https://a.example/1
  - https://a.example/2
  - { url: "https://b.example/3", method: POST, json: 1, timeout: 20s }
  - { url: "https://b.example/4", method: PUT, json: ${large} }`,
    }),
    () => {},
  );
  expect(told.lanes[0]).toMatchObject({
    calls: 4,
    unsafe: 1,
    claims: 1,
    timeoutMs: 20_000,
    origins: [
      { origin: "https://a.example", calls: 2 },
      { origin: "https://b.example", calls: 2 },
    ],
  });
  expect(told.invalid).toBe(0);
  expect(told.lanes[0]?.claimBytes).toBeGreaterThan(300_000);
  expect(told.bytes).toBeLessThan(5_000);
});
