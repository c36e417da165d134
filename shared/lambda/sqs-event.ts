import { createHash } from "node:crypto";
import { openBody, shutBody } from "../broker/body.ts";
import type { Delivery } from "../broker/broker.ts";
import { SenpuError } from "../errors.ts";

/**
 * The event that Lambda's event source mapping makes of a batch of SQS messages, both ways: read by the functions,
 * written by the local event source. Source: Lambda developer guide, "Using Lambda with Amazon SQS".
 */
export interface SqsEvent {
  readonly Records: readonly SqsRecord[];
}

export interface SqsRecord {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly messageAttributes: Readonly<Record<string, SqsAttribute>>;
  readonly md5OfBody: string;
  readonly eventSource: string;
  readonly eventSourceARN: string;
  readonly awsRegion: string;
}

interface SqsAttribute {
  readonly stringValue?: string;
  readonly dataType: string;
}

/** Reports what is to come again. Source: Lambda developer guide, "Implementing partial batch responses". */
export interface BatchResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

const TAKES =
  'an SQS batch: {"Records": [{"messageId", "receiptHandle", "body", "attributes": {"ApproximateReceiveCount", "SentTimestamp"}, "eventSourceARN": "arn:aws:sqs:…"}]}';

/** Throws {@link SenpuError} `message`, which says what the function takes and what is wrong with this. */
export function readSqsEvent(event: unknown): readonly SqsRecord[] {
  const records = (event as { Records?: unknown } | null | undefined)?.Records;
  if (!Array.isArray(records) || records.length === 0) {
    throw unsuitable(`it has no Records but ${shown(event)}`);
  }
  for (const [index, record] of (records as unknown[]).entries()) checkRecord(record, index);
  return records as SqsRecord[];
}

function checkRecord(value: unknown, index: number): void {
  const at = `Records[${index}]`;
  if (typeof value !== "object" || value === null) throw unsuitable(`${at} is ${shown(value)}`);
  const record = value as Record<string, unknown>;
  for (const field of ["messageId", "receiptHandle", "body", "eventSourceARN"]) {
    if (typeof record[field] !== "string") {
      throw unsuitable(`${at}.${field} should be text, and is ${shown(record[field])}`);
    }
  }
  if (!/^arn:[^:]+:sqs:/.test(String(record["eventSourceARN"]))) {
    throw unsuitable(`${at} comes from ${shown(record["eventSourceARN"])}, which is no queue`);
  }
  const attributes = record["attributes"] as Record<string, unknown> | null | undefined;
  for (const field of ["ApproximateReceiveCount", "SentTimestamp"]) {
    if (!/^\d+$/.test(String(attributes?.[field]))) {
      throw unsuitable(
        `${at}.attributes.${field} should be a number as text, and is ${shown(attributes?.[field])}`,
      );
    }
  }
}

/** The last part of the ARN: the queue's full name. */
export function queueOf(record: SqsRecord): string {
  return record.eventSourceARN.slice(record.eventSourceARN.lastIndexOf(":") + 1);
}

/** The event that waits in a queue, of a batch of one; undefined for what is no batch of SQS. Throws as above. */
export function readWaiting(event: unknown): unknown {
  const [first] = ((event as { Records?: unknown } | null)?.Records ?? []) as Partial<SqsRecord>[];
  if (first?.eventSource !== "aws:sqs") return undefined;
  const [record, ...more] = readSqsEvent(event);
  if (record === undefined || more.length > 0) {
    throw new SenpuError("message", "events that wait come one by one: set the batch size to 1");
  }
  const { body } = toDelivery(record);
  try {
    return JSON.parse(body) as unknown;
  } catch (cause) {
    throw new SenpuError(
      "message",
      `what waits in ${queueOf(record)} is no event: ${shown(body)}`,
      {
        cause,
      },
    );
  }
}

export function toDelivery(record: SqsRecord): Delivery {
  return {
    receipt: record.receiptHandle,
    body: openBody(record.body),
    attributes: Object.fromEntries(
      Object.entries(record.messageAttributes ?? {}).map(([name, { stringValue = "" }]) => [
        name,
        stringValue,
      ]),
    ),
    receiveCount: Number(record.attributes["ApproximateReceiveCount"]),
    sentAt: Number(record.attributes["SentTimestamp"]),
  };
}

/** `messageId`: the broker port has none, so whoever makes the record gives it one, which is good for this one delivery. */
export function toRecord(
  delivery: Delivery,
  from: { readonly messageId: string; readonly queue: string; readonly receivedAt: number },
): SqsRecord {
  const body = shutBody(delivery.body);
  return {
    messageId: from.messageId,
    receiptHandle: delivery.receipt,
    body,
    attributes: {
      ApproximateReceiveCount: String(delivery.receiveCount),
      SentTimestamp: String(delivery.sentAt),
      SenderId: "AIDASENPULOCAL",
      ApproximateFirstReceiveTimestamp: String(from.receivedAt),
    },
    messageAttributes: Object.fromEntries(
      Object.entries(delivery.attributes).map(([name, stringValue]) => [
        name,
        { stringValue, dataType: "String" },
      ]),
    ),
    md5OfBody: createHash("md5").update(body).digest("hex"),
    eventSource: "aws:sqs",
    eventSourceARN: `arn:aws:sqs:us-east-1:000000000000:${from.queue}`,
    awsRegion: "us-east-1",
  };
}

function unsuitable(what: string): SenpuError {
  return new SenpuError(
    "message",
    `the event does not suit: ${what}. This function takes ${TAKES}`,
  );
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 80);
}
