import { expect, test } from "vitest";
import { deadQueue, failedQueue, laneQueue } from "../../../shared/broker/broker.ts";
import {
  checkLaneName,
  laneOfQueue,
  laneTopology,
  sharedTopology,
  unroutedFilter,
} from "../../../shared/broker/topology.ts";

test("a lane is told from its queue, and from no other", () => {
  expect(laneOfQueue(laneQueue("crm"))).toBe("crm");
  expect(laneOfQueue(laneQueue("crm-eu"))).toBe("crm-eu");
  for (const other of [failedQueue("crm"), deadQueue("crm"), "ledger", "unrouted", "lane-"]) {
    expect(laneOfQueue(other) ?? "").toBe("");
  }
});

test("a lane's name that a queue cannot carry is refused", () => {
  checkLaneName("a-1");
  for (const name of ["", "A", "a_b", "x".repeat(41), "a-failed", "a-dead", "ä"]) {
    expect(() => checkLaneName(name)).toThrow(/cannot name a queue/);
  }
});

test("every queue that a subscription or a redrive names is declared", () => {
  const parts = [sharedTopology(["crm"]), laneTopology("crm")];
  const declared = new Set(parts.flatMap(({ queues }) => queues.map(({ name }) => name)));
  for (const { queues, subscriptions } of parts) {
    for (const { redrive } of queues) if (redrive) expect(declared).toContain(redrive.queue);
    for (const { queue, deadLetterQueue } of subscriptions) {
      expect(declared).toContain(queue);
      expect(declared).toContain(deadLetterQueue);
    }
  }
});

test("a dead-letter queue keeps messages longer than its source", () => {
  const queues = [...sharedTopology([]).queues, ...laneTopology("crm").queues];
  for (const { redrive, retentionSeconds } of queues) {
    if (!redrive) continue;
    const dead = queues.find(({ name }) => name === redrive.queue)!;
    expect(dead.retentionSeconds).toBeGreaterThan(retentionSeconds);
  }
});

test("the filter of unrouted is the same whatever the order of lanes", () => {
  expect(unroutedFilter(["b", "a"])).toEqual({ lane: [{ "anything-but": ["a", "b"] }] });
  expect(unroutedFilter([])).toEqual({ lane: [{ exists: true }] });
});
