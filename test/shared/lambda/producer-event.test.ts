import { expect, test } from "vitest";
import { readProducerEvent } from "../../../shared/lambda/producer-event.ts";

test("a schedule's input and a plan itself are taken", () => {
  const time = "2026-11-22T03:00:00Z";
  expect(readProducerEvent({ plan: "plan.yaml", name: "nightly", time })).toEqual({
    plan: { kind: "path", path: "plan.yaml" },
    name: "nightly",
    time,
  });
  expect(readProducerEvent({ plan: { calls: [], kind: "object" } }).plan).toEqual({
    kind: "plan",
    plan: { calls: [], kind: "object" },
  });
});

test("a plan in S3 is taken by its URL, with a schedule's time too", () => {
  const time = "2026-11-22T03:00:00Z";
  const object = { bucket: "plans", key: "a b/日/plan.yaml" };
  expect(readProducerEvent({ plan: "s3://plans/a b/日/plan.yaml", time })).toEqual({
    plan: { kind: "object", object },
    name: undefined,
    time,
  });
});

test("an object created in S3 is taken in EventBridge's form, its key as it is", () => {
  const event = {
    version: "0",
    "detail-type": "Object Created",
    source: "aws.s3",
    time: "2026-11-22T03:00:00Z",
    detail: {
      version: "0",
      bucket: { name: "plans" },
      object: { key: "a+b%20c/plan.yaml", size: 5, etag: "e", "version-id": "v", sequencer: "1" },
      reason: "PutObject",
    },
  };
  expect(readProducerEvent(event)).toEqual({
    plan: {
      kind: "object",
      object: { bucket: "plans", key: "a+b%20c/plan.yaml", version: "v", etag: "e" },
    },
    name: undefined,
    time: undefined,
  });
});

const record = {
  eventVersion: "2.3",
  eventSource: "aws:s3",
  eventName: "ObjectCreated:Put",
  s3: { bucket: { name: "plans" }, object: { key: "a+b%2Bc/%E6%97%A5.yaml", size: 5, eTag: "e" } },
};

test("an object created in S3 is taken in the form of notifications, its key as in a form", () => {
  expect(readProducerEvent({ Records: [record] }).plan).toEqual({
    kind: "object",
    object: { bucket: "plans", key: "a b+c/日.yaml", etag: "e" },
  });
});

test.each([
  ["nothing", null, "it is null"],
  ["an event of something else", { Records: [] }, "its Records are []"],
  ["an event of a queue", { Records: [{ eventSource: "aws:sqs" }] }, "its Records are"],
  [
    "an object that is gone",
    { Records: [{ ...record, eventName: "ObjectRemoved:Delete" }] },
    "S3 tells of",
  ],
  ["two objects at once", { Records: [record, record] }, "it tells of 2 objects"],
  ["a notification without an object", { Records: [{ ...record, s3: {} }] }, "S3 names no object"],
  [
    "a folder",
    { Records: [{ ...record, s3: { bucket: { name: "plans" }, object: { key: "a/" } } }] },
    "S3 names no object",
  ],
  [
    "a key that is no form",
    { Records: [{ ...record, s3: { bucket: { name: "plans" }, object: { key: "%zz" } } }] },
    "written as no form is",
  ],
  ["another event of S3", { source: "aws.s3", "detail-type": "Object Deleted" }, "S3 tells of"],
  ["a bucket without a key", { plan: "s3://plans" }, "plan should be s3://bucket/key"],
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

test("a schedule's overlap is one of three, and only a schedule's", () => {
  const event = { plan: "plan.yaml", name: "nightly", time: "2026-11-22T03:00:00Z" };
  expect(readProducerEvent({ ...event, overlap: "queue" }).overlap).toBe("queue");
  expect(() => readProducerEvent({ ...event, overlap: "replace" })).toThrow(
    'overlap should be skip, queue, allow, and is "replace"',
  );
  expect(() => readProducerEvent({ plan: "plan.yaml", overlap: "skip" })).toThrow(
    "overlap is a schedule's, which has a name and a time",
  );
});
