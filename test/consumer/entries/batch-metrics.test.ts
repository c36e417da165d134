import { expect, test } from "vitest";
import { BatchMetrics, sampleOf } from "../../../consumer/entries/batch-metrics.ts";
import type { Attempt } from "../../../consumer/execute/attempt.ts";
import type { Outcome } from "../../../shared/model/outcome.ts";

const BATCH = { deployment: "senpu-test", lane: "crm", messages: 2, putBack: 3 };

const outcome = (more: Partial<Outcome>): Outcome => ({
  id: "a",
  state: "succeeded",
  attempts: 1,
  settledAt: 0,
  ...more,
});
const attempt = (status: number): Attempt =>
  ({ end: { kind: "answer", status } }) as unknown as Attempt;

test("a batch is one line, which CloudWatch makes metrics of by lane", () => {
  const metrics = new BatchMetrics();
  metrics.over(attempt(503));
  metrics.over(attempt(200));
  metrics.settled(outcome({ latencyMs: 12.5 }));
  metrics.over(attempt(404));
  metrics.settled(outcome({ state: "failed", reason: "rejected", latencyMs: 7 }));
  metrics.settled(outcome({ state: "failed", reason: "expired" }));
  const line = metrics.line(BATCH, 1_700_000_000_000);
  expect(line).not.toContain("\n");
  const value = JSON.parse(line) as Record<string, unknown>;
  expect(value).toMatchObject({
    deployment: "senpu-test",
    lane: "crm",
    messages: 2,
    Calls: 3,
    Succeeded: 1,
    Failed: 2,
    FailedRejected: 1,
    FailedExpired: 1,
    Attempts: 3,
    Throttles: 1,
    PutBack: 3,
    Latency: [12.5, 7],
  });
  const { Timestamp, CloudWatchMetrics } = value["_aws"] as {
    Timestamp: number;
    CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string }[] }[];
  };
  expect(Timestamp).toBe(1_700_000_000_000);
  expect(CloudWatchMetrics).toHaveLength(1);
  expect(CloudWatchMetrics[0]).toMatchObject({
    Namespace: "senpu",
    Dimensions: [["deployment", "lane"]],
  });
  // Each metric and each dimension that is announced is there, as the format wants it.
  for (const { Name } of CloudWatchMetrics[0]!.Metrics) expect(value).toHaveProperty(Name);
  for (const name of ["deployment", "lane"]) expect(value[name]).toBeTypeOf("string");
});

test("a batch that made no call has no latency", () => {
  const value = JSON.parse(new BatchMetrics().line(BATCH, 0)) as Record<string, unknown>;
  expect(value).not.toHaveProperty("Latency");
  expect(JSON.stringify(value["_aws"])).not.toContain("Latency");
});

test("of more latencies than a line takes, the sample has the same percentiles", () => {
  const sample = sampleOf(Array.from({ length: 5_000 }, (_, index) => 5_000 - index));
  expect(sample).toHaveLength(100);
  expect(sample[0]).toBe(1);
  expect(sample[99]).toBe(5_000);
  expect(Math.abs(sample[50]! - 2_500)).toBeLessThan(60);
});
