import {
  CreateQueueCommand,
  type Message,
  SQSClient,
  SendMessageBatchCommand,
} from "@aws-sdk/client-sqs";
import pRetry from "p-retry";
import { Consumer } from "sqs-consumer";
import { Agent, request } from "undici";
import { startFauxqs } from "../../../shared/broker/fauxqs-broker.ts";
import { callUrl, readEntryOptions, tellResult } from "./entry.ts";

/**
 * What one writes by hand: sqs-consumer and p-retry on the same embedded broker, as durable as senpu's. It keeps no
 * ledger, so it does less. Batches are removed as batches, which is the faster of the consumer's two ways.
 */
const { url, calls, concurrency, folder, callsPerMessage = 1 } = readEntryOptions();

/** SQS takes and gives no more at once. Source: SQS quotas, "Batched message". */
const BATCH = 10;
/** Batches sent at a time: sending is then never what is waited for. */
const SENDERS = 4;
const RETRIES = 3;
/** A consumer asks for no batch while it works on one, so more of them than calls in flight keep the server busy. */
const CONSUMERS = Math.max(2, Math.ceil((2 * concurrency) / (BATCH * callsPerMessage)));

const broker = await startFauxqs({ dataDir: folder });
const sqs = new SQSClient({
  endpoint: broker.endpointUrl,
  region: "us-east-1",
  credentials: { accessKeyId: "bench", secretAccessKey: "bench" },
});
const { QueueUrl: queueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName: "calls" }));
const dispatcher = new Agent({ connections: concurrency });
const finished = Promise.withResolvers<void>();
const done = new Set<number>();
let removed = 0;
const messages = Math.ceil(calls / callsPerMessage);

async function makeCall(id: number): Promise<void> {
  await pRetry(
    async () => {
      const { statusCode, body } = await request(callUrl(url, id), { dispatcher });
      await body.text();
      if (statusCode !== 200) throw new Error(`status ${statusCode}`);
    },
    { retries: RETRIES },
  );
  done.add(id);
}

async function handleMessage(message: Message): Promise<Message> {
  const ids = JSON.parse(message.Body ?? "[]") as number[];
  await Promise.all(ids.map(makeCall));
  return message;
}

async function handleMessageBatch(batch: Message[]): Promise<Message[]> {
  const results = await Promise.allSettled(batch.map(handleMessage));
  return results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

function startConsumer(): Consumer {
  const consumer = Consumer.create({ queueUrl, sqs, batchSize: BATCH, handleMessageBatch });
  consumer.on("error", (error) => finished.reject(error));
  consumer.on("message_processed", () => {
    if (++removed === messages) finished.resolve();
  });
  consumer.start();
  return consumer;
}

let nextMessage = 0;

async function sendInTurn(): Promise<void> {
  while (nextMessage < messages) {
    const first = nextMessage;
    nextMessage = Math.min(messages, first + BATCH);
    const Entries = Array.from({ length: nextMessage - first }, (_, index) => ({
      Id: String(index),
      MessageBody: JSON.stringify(idsOf(first + index)),
    }));
    const { Failed } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
    if (Failed !== undefined && Failed.length > 0) throw new Error(JSON.stringify(Failed));
  }
}

function idsOf(message: number): number[] {
  const first = message * callsPerMessage;
  const length = Math.min(callsPerMessage, calls - first);
  return Array.from({ length }, (_, index) => first + index);
}

const startedAt = performance.now();
const consumers = Array.from({ length: CONSUMERS }, startConsumer);
await Promise.all([finished.promise, ...Array.from({ length: SENDERS }, sendInTurn)]);
const insideMs = performance.now() - startedAt;
for (const consumer of consumers) consumer.stop({ abort: true });
sqs.destroy();
await dispatcher.close();
await broker.stop();
tellResult({ succeeded: done.size, insideMs });
