import { PublishBatchCommand, SNSClient } from "@aws-sdk/client-sns";
import { DeleteMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { SqsEvent } from "../../../shared/lambda/sqs-event.ts";

/**
 * What a person would write first: makes the calls of each message, tells of them, deletes the messages. It keeps no limit,
 * tries nothing again, and forgets at a death what it had made.
 */
interface Clients {
  readonly sns: SNSClient;
  readonly sqs: SQSClient;
}

let clients: Clients | undefined;

interface Body {
  readonly calls: readonly { readonly id: string; readonly url: string }[];
}

export async function handler(event: SqsEvent): Promise<{ readonly batchItemFailures: [] }> {
  const endpoint = process.env["SENPU_ENDPOINT_URL"]!;
  clients ??= { sns: new SNSClient({ endpoint }), sqs: new SQSClient({ endpoint }) };
  const bodies = event.Records.map(({ body }) => JSON.parse(body) as Body);
  const outcomes = await Promise.all(
    bodies.flatMap(({ calls }) =>
      calls.map(async ({ id, url }) => {
        const startedAt = Date.now();
        const response = await fetch(url);
        await response.arrayBuffer();
        return { id, status: response.status, startedAt, settledAt: Date.now() };
      }),
    ),
  );
  await clients.sns.send(
    new PublishBatchCommand({
      TopicArn: process.env["OUTCOMES_TOPIC"],
      PublishBatchRequestEntries: [{ Id: "0", Message: JSON.stringify(outcomes) }],
    }),
  );
  await clients.sqs.send(
    new DeleteMessageBatchCommand({
      QueueUrl: process.env["LANE_QUEUE_URL"],
      Entries: event.Records.map(({ receiptHandle }, nth) => ({
        Id: String(nth),
        ReceiptHandle: receiptHandle,
      })),
    }),
  );
  return { batchItemFailures: [] };
}
