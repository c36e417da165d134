import { expect, test } from "vitest";
import {
  queueOf,
  readSqsEvent,
  readWaiting,
  toDelivery,
  toRecord,
} from "../../../shared/lambda/sqs-event.ts";

const delivery = {
  receipt: "receipt",
  body: "{}",
  attributes: { lane: "crm" },
  receiveCount: 3,
  sentAt: 1_795_000_000_000,
};
const record = toRecord(delivery, {
  messageId: "m",
  queue: "senpu-lane-crm",
  receivedAt: 1_795_000_000_001,
});

test("a delivery that became a record comes back as it was", () => {
  expect(toDelivery(record)).toEqual(delivery);
  expect(queueOf(record)).toBe("senpu-lane-crm");
});

test.each([
  ["nothing", null, "it has no Records but null"],
  ["another event", { source: "aws.s3" }, "it has no Records"],
  ["an empty batch", { Records: [] }, "it has no Records"],
  [
    "a record without a body",
    { Records: [{ ...record, body: 1 }] },
    "Records[0].body should be text, and is 1",
  ],
  [
    "records of a topic",
    { Records: [{ ...record, eventSourceARN: "arn:aws:sns:us-east-1:0:t" }] },
    "which is no queue",
  ],
  [
    "a record without its receive count",
    { Records: [record, { ...record, attributes: {} }] },
    "Records[1].attributes.ApproximateReceiveCount should be a number as text, and is nothing",
  ],
])("%s is refused, with what would do", (_name, event, what) => {
  expect(() => readSqsEvent(event)).toThrow(what);
  expect(() => readSqsEvent(event)).toThrow("This function takes an SQS batch");
});

test("an event that waited in a queue is what it was, and any other is left to who reads it", () => {
  const waited = { ...record, body: '{"plan":"plan.yaml"}' };
  expect(readWaiting({ Records: [waited] })).toEqual({ plan: "plan.yaml" });
  for (const event of [null, 7, {}, { Records: [] }, { Records: [{ eventSource: "aws:s3" }] }]) {
    expect(readWaiting(event)).toBeUndefined();
  }
  expect(() => readWaiting({ Records: [waited, waited] })).toThrow("one by one");
  expect(() => readWaiting({ Records: [{ ...waited, body: "{" }] })).toThrow(
    'what waits in senpu-lane-crm is no event: "{"',
  );
});
