import fc from "fast-check";
import { expect, test } from "vitest";
import { forecast } from "../../../producer/preflight/forecast.ts";
import { readLatencies } from "../../../producer/preflight/latencies.ts";
import { surveyPlan } from "../../../producer/plan/survey.ts";
import type { Survey } from "../../../producer/plan/survey.ts";
import type { Outcome } from "../../../shared/model/outcome.ts";
import { makeFolder } from "../../support/command-line.ts";
import { seedLedger, seedRun, succeed } from "../../support/seeded-ledger.ts";
import { readFiles } from "../plan/plan-files.ts";

/** `count` calls to where the seeded ledger's calls went, in a lane of this concurrency and rate. */
async function survey(count: number, lane: object, deadline = "24h"): Promise<Survey> {
  const calls = Array.from({ length: count }, (_, n) => `https://api.example.com/items/${n}`);
  const match = "https://api.example.com/**";
  const plan = { lanes: { crm: { match, ...lane } }, defaults: { deadline }, calls };
  return surveyPlan(await readFiles({ "p.json": JSON.stringify(plan) }), () => {});
}

const took = (id: string, latencyMs: number, attempts = 1): Outcome => ({
  ...succeed(id),
  latencyMs,
  attempts,
});

test("calls are taken to last as long as earlier ones of the same lane and origin, attempts and all", async () => {
  const state = makeFolder();
  const told = await survey(400, { concurrency: 4 });
  await seedLedger(state, async (ledger) => {
    await seedRun(ledger, { id: "r1" }, 2, [took("c1", 100), took("c2", 300, 2)]);
    const known = await readLatencies(ledger, told);
    expect(known.get("crm")).toEqual({
      attemptMs: 200,
      attempts: 1.5,
      calls: 2,
      runs: 1,
      share: 1,
    });
    const [lane] = forecast({ survey: told, known, givenMs: undefined }).lanes;
    // A hundred calls a slot, each one and a half attempts of 200 ms.
    expect(lane).toMatchObject({ basis: "ledger", by: "concurrency", durationMs: 30_000 });
  });
});

test("another lane's calls, another origin's, and those without an end say nothing", async () => {
  const state = makeFolder();
  await seedLedger(state, async (ledger) => {
    await seedRun(ledger, { id: "r1" }, 3, [took("c1", 100)]);
    const elsewhere = JSON.stringify({
      calls: ["https://other.example/1", "https://api.example.com/1"],
    });
    const told = await surveyPlan(await readFiles({ "p.json": elsewhere }), () => {});
    expect((await readLatencies(ledger, told)).size).toBe(0);
    const known = await readLatencies(ledger, await survey(1, {}));
    expect(known.get("crm")).toMatchObject({ attemptMs: 100, calls: 1 });
  });
});

test("without a ledger an assumption is told as one, and a given latency as given", async () => {
  const told = await survey(100, { concurrency: 10 });
  const nothing = { survey: told, known: new Map() };
  expect(forecast({ ...nothing, givenMs: undefined }).lanes).toMatchObject([
    { basis: "assumed", latencyMs: 200, durationMs: 2_000, by: "concurrency" },
  ]);
  expect(forecast({ ...nothing, givenMs: 50 }).lanes).toMatchObject([
    { basis: "given", latencyMs: 50, durationMs: 500 },
  ]);
});

test("a deadline that is shorter than the rate allows does not fit, whatever the latency", async () => {
  const told = await survey(100, { rate: "1/s" }, "90s");
  expect(forecast({ survey: told, known: new Map(), givenMs: undefined })).toMatchObject({
    fits: false,
    boundMs: 99_000,
    lanes: [{ by: "rate" }],
  });
});

test("slots make a deadline too short only where the latency is more than a guess", async () => {
  const told = await survey(1_000, { concurrency: 1 }, "60s");
  const input = { survey: told, known: new Map() };
  expect(forecast({ ...input, givenMs: undefined })).toMatchObject({ fits: true, boundMs: null });
  expect(forecast({ ...input, givenMs: 200 })).toMatchObject({ fits: false, boundMs: 200_000 });
});

test("more calls, slower ones, or tighter limits never make a run shorter", async () => {
  const base = await survey(10, { concurrency: 4, rate: "10/s" });
  const [lane] = base.lanes;
  const runMs = (calls: number, concurrency: number, latencyMs: number): number => {
    const leastMs = (calls - 1) * 100;
    const changed = { ...base, lanes: [{ ...lane!, calls, concurrency, leastMs }] };
    return forecast({ survey: changed, known: new Map(), givenMs: latencyMs }).durationMs;
  };
  const some = fc.integer({ min: 1, max: 10_000 });
  fc.assert(
    fc.property(some, some, some, some, (calls, concurrency, latencyMs, more) => {
      const before = runMs(calls, concurrency, latencyMs);
      expect(runMs(calls + more, concurrency, latencyMs)).toBeGreaterThanOrEqual(before);
      expect(runMs(calls, concurrency + more, latencyMs)).toBeLessThanOrEqual(before);
      expect(runMs(calls, concurrency, latencyMs + more)).toBeGreaterThanOrEqual(before);
    }),
  );
});
