import { expect, test } from "vitest";
import { scheduledRunId } from "../../../producer/entries/read-ordered.ts";
import { checkRunId } from "../../../producer/run/run-id.ts";

test("a schedule's time makes the run's id: the same for each firing, and in whatever zone it is written", () => {
  expect(scheduledRunId("crm nightly", "2026-11-22T03:00:00Z", "x")).toBe(
    "crm-nightly-20261122t030000",
  );
  expect(scheduledRunId("crm nightly", "2026-11-22T12:00:00+09:00", "y")).toBe(
    "crm-nightly-20261122t030000",
  );
});

test("without a time a retry of the same invocation is the same run", () => {
  expect(scheduledRunId("plan", undefined, "8f2e")).toBe("plan-8f2e");
});

test.each(["", "///", "夜間", "x".repeat(200)])(
  "the name %j makes an id that can be one",
  (name) => {
    const id = scheduledRunId(name, undefined, crypto.randomUUID());
    expect(() => checkRunId(id)).not.toThrow();
  },
);
