import fc from "fast-check";
import { expect, test } from "vitest";
import { formatUsd, totalUsd } from "../../../shared/cost/bill.ts";
import { PRICED_REGIONS, pricesOf } from "../../../shared/cost/prices.ts";
import type { Prices } from "../../../shared/cost/prices.ts";
import { countPublishes, countQueueRequests } from "../../../shared/cost/requests.ts";
import { costRun } from "../../../shared/cost/run-cost.ts";
import type { LaneVolume } from "../../../shared/cost/run-volume.ts";
import { laneSchema } from "../../../shared/config/lane-schema.ts";

const tokyo = pricesOf("ap-northeast-1") as Prices;
const KIB_64 = 65_536;

function lane(
  changes: Partial<LaneVolume> = {},
  worker: "lambda" | "fargate" = "lambda",
): LaneVolume {
  return {
    lane: "crm",
    worker: laneSchema.parse({ worker }).worker,
    calls: 10_000,
    attempts: 1,
    messages: 40,
    bytes: 800_000,
    unsafe: 0,
    claims: 0,
    claimBytes: 0,
    durationMs: 60_000,
    hasRate: false,
    ...changes,
  };
}

function usd(volume: LaneVolume, isRecorded = true): number {
  const { durationMs } = volume;
  return totalUsd(costRun({ durationMs, lanes: [volume], isRecorded }, tokyo));
}

test("ten small messages are one publish, a large one is as many as it has 64 KiB", () => {
  expect(countPublishes(0, 0)).toBe(0);
  expect(countPublishes(10, 10_000)).toBe(1);
  expect(countPublishes(11, 11_000)).toBe(2);
  expect(countPublishes(1, 3 * KIB_64)).toBe(3);
});

test("a message is sent by itself, and received and deleted with others", () => {
  expect(countQueueRequests(0, 0)).toBe(0);
  expect(countQueueRequests(1, 100)).toBe(3);
  expect(countQueueRequests(10, 10_000)).toBe(10 + 1 + 1);
  // Four 64 KiB each way, whatever they come with.
  expect(countQueueRequests(10, 40 * KIB_64)).toBe(40 + 40 + 1);
});

test("functions are paid for while they wait: two of half a GB for a minute are 60 GB-seconds", () => {
  const items = costRun({ durationMs: 60_000, lanes: [lane()], isRecorded: false }, tokyo);
  expect(items.find(({ what }) => what === "lane crm")).toMatchObject({
    service: "Lambda",
    quantity: 60,
    usd: 60 * tokyo.lambdaGbSecondArm64.usd,
  });
});

test("a lane on Fargate pays for tasks and their addresses, and less for them on Spot", () => {
  const volume = lane({}, "fargate");
  const services = (of: LaneVolume): string[] =>
    costRun({ durationMs: 60_000, lanes: [of], isRecorded: false }, tokyo)
      .filter(({ what }) => what.includes("crm"))
      .map(({ service }) => service);
  expect(services(volume)).toEqual(["Fargate", "Fargate", "VPC"]);
  const spot = {
    ...volume,
    worker: laneSchema.parse({ worker: { fargate: { spot: true } } }).worker,
  };
  expect(usd(spot)).toBeLessThan(usd(volume));
});

test("a ledger, a rate, large calls and unsafe ones each cost something", () => {
  const plain = usd(lane());
  expect(usd(lane(), false)).toBeLessThan(plain);
  expect(usd(lane({ hasRate: true }))).toBeGreaterThan(plain);
  expect(usd(lane({ claims: 10, claimBytes: 5_000_000 }))).toBeGreaterThan(plain);
  expect(usd(lane({ unsafe: 10_000 }))).toBeGreaterThan(plain);
});

test("more of anything never costs less, and nothing costs nothing", () => {
  const count = fc.integer({ min: 1, max: 1_000_000 });
  fc.assert(
    fc.property(count, count, count, count, (calls, messages, durationMs, more) => {
      const volume = lane({ calls, messages, bytes: messages * 500, durationMs });
      const before = usd(volume);
      expect(usd({ ...volume, calls: calls + more })).toBeGreaterThanOrEqual(before);
      expect(usd({ ...volume, durationMs: durationMs + more })).toBeGreaterThanOrEqual(before);
      const bytes = (messages + more) * 500;
      expect(usd({ ...volume, messages: messages + more, bytes })).toBeGreaterThanOrEqual(before);
    }),
    { numRuns: 50 },
  );
  expect(costRun({ durationMs: 0, lanes: [], isRecorded: true }, tokyo)).toEqual([]);
});

test.each(PRICED_REGIONS)(
  "each price of %s says of what it is, where it is from, and when it was seen",
  (region) => {
    for (const [name, { usd, per, source, seen }] of Object.entries(pricesOf(region) as Prices)) {
      expect(usd, name).toBeGreaterThanOrEqual(0);
      expect(per, name).toMatch(/\w/);
      expect(source, name).toMatch(/^(page|APN1-\S+|ap-northeast-1-\S+)$/);
      expect(new Date(seen).toISOString().slice(0, 10), name).toBe(seen);
    }
  },
);

test.each([
  [0, "$0.00"],
  [0.000_1, "<$0.01"],
  [0.218, "$0.22"],
  [12.345, "$12.3"],
  [1240.4, "$1,240"],
])("%d is written %s", (amount, text) => {
  expect(formatUsd(amount)).toBe(text);
});
