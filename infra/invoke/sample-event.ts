import { randomBytes, randomUUID } from "node:crypto";
import type { Sample } from "../../shared/command.ts";
import { laneQueue } from "../../shared/broker/broker.ts";
import { DEFAULT_PREFIX } from "../../shared/broker/topology.ts";
import { toRecord } from "../../shared/lambda/sqs-event.ts";
import type { SqsEvent } from "../../shared/lambda/sqs-event.ts";

/** Source: the length of SQS's own receipt handles. */
const RECEIPT_BYTES = 144;

/** The event that Lambda would make of a lane's first messages, of which none stands in any queue. `now`: epoch milliseconds. */
export function sampleEvent({ lane, messages }: Sample, now: number): SqsEvent {
  return {
    Records: messages.map(({ body, attributes = {} }) =>
      toRecord(
        {
          receipt: randomBytes(RECEIPT_BYTES).toString("base64"),
          body,
          attributes,
          receiveCount: 1,
          sentAt: now,
        },
        {
          messageId: randomUUID(),
          queue: `${DEFAULT_PREFIX}-${laneQueue(lane)}`,
          receivedAt: now,
        },
      ),
    ),
  };
}
