import { expect, test } from "vitest";
import { readProducerEvent } from "../../../shared/lambda/producer-event.ts";

test("a schedule's input and a plan itself are taken", () => {
  const time = "2026-11-22T03:00:00Z";
  expect(readProducerEvent({ plan: "plan.yaml", name: "nightly", time })).toEqual({
    plan: "plan.yaml",
    name: "nightly",
    time,
  });
  expect(readProducerEvent({ plan: { calls: [] } })).toMatchObject({ plan: { calls: [] } });
});

test.each([
  ["nothing", null, "it is null"],
  ["an event of something else", { Records: [] }, "it has no plan"],
  ["a plan in S3", { plan: "s3://bucket/plan.yaml" }, "plans in S3 cannot be read yet"],
  ["standard input", { plan: "-" }, "plan should be a path or a plan"],
  ["a name that is none", { plan: "p.yaml", name: 7 }, "name should be text, and is 7"],
  [
    "a placeholder that nobody filled in",
    { plan: "p.yaml", time: "<aws.scheduler.scheduled-time>" },
    "time should be ISO 8601",
  ],
])("%s is refused, with what would do", (_name, event, what) => {
  expect(() => readProducerEvent(event)).toThrow(what);
  expect(() => readProducerEvent(event)).toThrow("This function takes a schedule's input");
});
