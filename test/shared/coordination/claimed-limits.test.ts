import { expect, test } from "vitest";
import { claimedLimits } from "../../../shared/coordination/claimed-limits.ts";
import { TOTAL } from "../../../shared/model/lane.ts";

const crm = { name: "crm", match: ["**"], concurrency: 40, minConcurrency: 2 };
const rate = { count: 20, perMs: 1_000, burst: 5 };

test("a run claims its lanes' limits, and nothing of what is only the plan's", () => {
  expect(
    claimedLimits({ lanes: [crm, { name: "default", match: [], concurrency: 3, rate }] }),
  ).toEqual([
    { lane: "crm", concurrency: 40, minConcurrency: 2 },
    { lane: "default", concurrency: 3, rate },
  ]);
});

test("the cap over all lanes is claimed like a lane, without bound where it does not say", () => {
  const total = (cap: object) => claimedLimits({ lanes: [crm], total: cap }).at(-1);
  expect(total({ concurrency: 100, rate })).toEqual({ lane: TOTAL, concurrency: 100, rate });
  expect(total({ rate })).toEqual({ lane: TOTAL, concurrency: Infinity, rate });
});
