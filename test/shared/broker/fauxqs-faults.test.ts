import { randomUUID } from "node:crypto";
import { CreateTopicCommand, PublishBatchCommand, SubscribeCommand } from "@aws-sdk/client-sns";
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { startFauxqs } from "fauxqs";
import { describe, expect, onTestFinished, test } from "vitest";
import { createAwsClients } from "../../../shared/broker/aws-clients.ts";
import { SNS_MAX_BATCH_BYTES } from "../../../shared/limits.ts";
import { countCommits, otherAddress, pollAndDie, temporaryFolder } from "./embedded.ts";

/**
 * The faults of fauxqs 2.4.1 that senpu works around, on the package as it is. A test here that fails after an update
 * means: the fault has gone, and so may its workaround (in `fauxqs-repairs.ts`, or where the test says).
 */
describe("fauxqs as it is", () => {
  test("listens on every interface, whatever host it is given", async ({ skip }) => {
    const server = await startFauxqs({ port: 0, host: "127.0.0.1", logger: false });
    onTestFinished(() => server.stop());
    const address = otherAddress();
    if (!address) skip("this machine has no other address");
    expect((await fetch(`http://${address}:${server.port}/health`)).status).toBe(200);
  });

  test("answers 500 to a visibility of 0, and hides the message (createBroker releases with 1 s)", async () => {
    const { sqs, QueueUrl, QueueName, server } = await start();
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "x" }));
    const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
    const release = new ChangeMessageVisibilityCommand({
      QueueUrl,
      ReceiptHandle: Messages![0]!.ReceiptHandle,
      VisibilityTimeout: 0,
    });
    await expect(sqs.send(release)).rejects.toMatchObject({ $metadata: { httpStatusCode: 500 } });
    const { messages } = server.inspectQueue(QueueName)!;
    expect([...messages.ready, ...messages.delayed, ...messages.inflight]).toEqual([]);
  });

  test("refuses a character beyond U+FFFF in a message sent to a queue", async () => {
    const { sqs, QueueUrl } = await start();
    const { Failed } = await sqs.send(
      new SendMessageBatchCommand({ QueueUrl, Entries: [{ Id: "0", MessageBody: "🎐" }] }),
    );
    expect(Failed?.[0]).toMatchObject({ Code: "InvalidMessageContents", SenderFault: true });
  });

  test("hands a message to a long poll whose client has gone", async () => {
    const { sqs, QueueUrl, QueueName, server, endpointUrl } = await start();
    await pollAndDie(endpointUrl, QueueUrl!);
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "x" }));
    expect(server.inspectQueue(QueueName)?.messages).toMatchObject({ ready: [], inflight: [{}] });
  });

  test("takes a batch whose sum is over SNS's limit (packBatches counts)", async () => {
    const { sns } = await start();
    const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: "t" }));
    const Message = "x".repeat(SNS_MAX_BATCH_BYTES / 2 + 1);
    const PublishBatchRequestEntries = ["0", "1"].map((Id) => ({ Id, Message }));
    const { Successful } = await sns.send(
      new PublishBatchCommand({ TopicArn, PublishBatchRequestEntries }),
    );
    expect(Successful).toHaveLength(2);
  });

  test("drops an entry with an empty body without a word (packBatches refuses it)", async () => {
    const { sns } = await start();
    const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: "t" }));
    const { Successful, Failed } = await sns.send(
      new PublishBatchCommand({
        TopicArn,
        PublishBatchRequestEntries: [
          { Id: "0", Message: "" },
          { Id: "1", Message: "x" },
        ],
      }),
    );
    expect([...(Successful ?? []), ...(Failed ?? [])].map(({ Id }) => Id)).toEqual(["1"]);
  });

  test("commits once for each message and queue", async () => {
    const { sns, dataDir, QueueName } = await start();
    const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: "t" }));
    const Endpoint = `arn:aws:sqs:us-east-1:000000000000:${QueueName}`;
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: "sqs", Endpoint }));
    const before = countCommits(dataDir);
    const PublishBatchRequestEntries = Array.from({ length: 10 }, (_, n) => ({
      Id: `${n}`,
      Message: "x",
    }));
    await sns.send(new PublishBatchCommand({ TopicArn, PublishBatchRequestEntries }));
    expect(countCommits(dataDir) - before).toBe(10);
  });
});

async function start() {
  const dataDir = temporaryFolder();
  const server = await startFauxqs({ port: 0, dataDir, logger: false });
  const endpointUrl = `http://127.0.0.1:${server.port}`;
  const clients = createAwsClients({ endpointUrl });
  onTestFinished(async () => {
    clients.destroy();
    await server.stop();
  });
  const QueueName = `q-${randomUUID().slice(0, 8)}`;
  const { QueueUrl } = await clients.sqs.send(new CreateQueueCommand({ QueueName }));
  return { ...clients, server, endpointUrl, dataDir, QueueName, QueueUrl };
}
