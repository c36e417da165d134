import type { Message, MessageAttributeValue } from "@aws-sdk/client-sqs";
import { SenpuError } from "../errors.ts";
import { SQS_MAX_DELAY_SECONDS } from "../limits.ts";
import { openBody } from "./body.ts";
import type { Delivery, Outgoing } from "./broker.ts";

/** senpu's messages as SNS and SQS write them, which is alike, and back. */

export function toAttributes({
  attributes,
}: Outgoing): Record<string, MessageAttributeValue> | undefined {
  if (!attributes) return undefined;
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      { DataType: "String", StringValue: value },
    ]),
  );
}

/** Of a message received with all its attributes, `ApproximateReceiveCount` and `SentTimestamp`. */
export function readDelivery(message: Message): Delivery {
  const attributes = Object.entries(message.MessageAttributes ?? {});
  return {
    receipt: message.ReceiptHandle!,
    body: openBody(message.Body ?? ""),
    attributes: Object.fromEntries(
      attributes.map(([name, { StringValue }]) => [name, StringValue ?? ""]),
    ),
    receiveCount: Number(message.Attributes?.ApproximateReceiveCount ?? 1),
    sentAt: Number(message.Attributes?.SentTimestamp ?? 0),
  };
}

/** The embedded broker would take any. Throws {@link SenpuError} `broker`. */
export function checkDelay(seconds: number): void {
  if (Number.isInteger(seconds) && seconds >= 0 && seconds <= SQS_MAX_DELAY_SECONDS) return;
  throw new SenpuError(
    "broker",
    `a message cannot be delayed by ${seconds} s: whole seconds from 0 to ${SQS_MAX_DELAY_SECONDS}`,
  );
}
