import { PublishBatchCommand } from "@aws-sdk/client-sns";
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
} from "@aws-sdk/client-sqs";
import {
  SNS_MAX_BATCH_BYTES,
  SNS_MAX_BATCH_ENTRIES,
  SQS_MAX_BATCH_BYTES,
  SQS_MAX_BATCH_ENTRIES,
} from "../limits.ts";
import { createAwsClients } from "./aws-clients.ts";
import type { AwsClients } from "./aws-clients.ts";
import { checkDelay, readDelivery, toAttributes } from "./aws-messages.ts";
import { AwsNames } from "./aws-names.ts";
import { sendBatches, settleReceipts } from "./batch-requests.ts";
import { shutBody } from "./body.ts";
import type {
  Broker,
  Delayed,
  Delivery,
  Depth,
  Outgoing,
  ReceiveOptions,
  Topic,
} from "./broker.ts";
import { laneQueue } from "./broker.ts";
import { listLanes } from "./list-lanes.ts";
import { makeTopology } from "./make-topology.ts";
import { packBatches } from "./pack-batches.ts";
import type { BatchLimits } from "./pack-batches.ts";
import { Patience } from "./patience.ts";
import type { Clock } from "./patience.ts";
import { DEFAULT_PREFIX, checkLaneName } from "./topology.ts";

export interface BrokerOptions {
  /** An SNS/SQS-compatible endpoint, where `ensure` makes what is missing. Absent: AWS, where it only looks. */
  readonly endpointUrl?: string;
  /** Default: `us-east-1` with an endpoint, else what the SDK finds. */
  readonly region?: string;
  /** Of every topic's and queue's name, before a hyphen. Default `senpu`. */
  readonly prefix?: string;
  /** All that have queues, where that is known; so they are not asked for, which takes a right of its own. Default: asked for. */
  readonly lanes?: readonly string[];
  /** How long failing requests are repeated, from the first failure of each, in milliseconds. Default 30,000. */
  readonly patienceMs?: number;
  /** Makes each run's calls a message group. Default: on AWS only; what resembles it may refuse groups on standard topics. */
  readonly groupsByRun?: boolean;
  /** After so many seconds a released message is seen again. Default: 0 on AWS, 1 at what resembles it. */
  readonly releaseSeconds?: number;
  readonly clock?: Clock;
}

/** An endpoint that has never answered is told to the person after this, in milliseconds. */
const FIRST_PATIENCE_MS = 5_000;
const DEFAULT_PATIENCE_MS = 30_000;

const SNS_LIMITS: BatchLimits = {
  maxEntries: SNS_MAX_BATCH_ENTRIES,
  maxBytes: SNS_MAX_BATCH_BYTES,
  name: "SNS PublishBatch",
};
const SQS_LIMITS: BatchLimits = {
  maxEntries: SQS_MAX_BATCH_ENTRIES,
  maxBytes: SQS_MAX_BATCH_BYTES,
  name: "SQS SendMessageBatch",
};

/** The broker over the AWS SDK: AWS itself, or any compatible endpoint. Connects when first used. */
export function createBroker(options: BrokerOptions = {}): Broker {
  return new AwsBroker(options);
}

class AwsBroker implements Broker {
  readonly #clients: AwsClients;
  readonly #names: AwsNames;
  readonly #patience: Patience;
  readonly #closed = new AbortController();
  readonly #polls = new Set<AbortController>();
  readonly #makesTopology: boolean;
  readonly #releaseSeconds: number;
  readonly #groupsByRun: boolean;
  readonly #lanes: readonly string[] | undefined;
  #ensured: ReadonlySet<string> | undefined;

  constructor(options: BrokerOptions) {
    const {
      endpointUrl,
      region,
      prefix = DEFAULT_PREFIX,
      patienceMs = DEFAULT_PATIENCE_MS,
      groupsByRun = endpointUrl === undefined,
      clock,
    } = options;
    this.#clients = createAwsClients({ endpointUrl, region });
    this.#patience = new Patience({
      patienceMs,
      firstPatienceMs: FIRST_PATIENCE_MS,
      endpoint: endpointUrl ?? "AWS",
      closed: this.#closed.signal,
      ...(clock && { clock }),
    });
    this.#names = new AwsNames(this.#clients, this.#patience, prefix);
    this.#makesTopology = endpointUrl !== undefined;
    this.#groupsByRun = groupsByRun;
    this.#lanes = options.lanes?.toSorted();
    // fauxqs answers 500 to a visibility of 0 and hides the message until it is restarted.
    this.#releaseSeconds = options.releaseSeconds ?? (endpointUrl === undefined ? 0 : 1);
  }

  async ensure(lanes: readonly string[]): Promise<void> {
    const missing = this.#ensured ? lanes.filter((lane) => !this.#ensured!.has(lane)) : lanes;
    if (this.#ensured && missing.length === 0) return;
    for (const lane of missing) checkLaneName(lane);
    if (this.#makesTopology) {
      await makeTopology(
        { clients: this.#clients, names: this.#names, patience: this.#patience },
        missing,
      );
    } else {
      await Promise.all(missing.map((lane) => this.#names.queueUrl(laneQueue(lane))));
    }
    this.#ensured = new Set([...(this.#ensured ?? []), ...missing]);
  }

  async publish(topic: Topic, entries: readonly Outgoing[]): Promise<void> {
    const batches = packBatches(entries.map(shut), SNS_LIMITS);
    if (batches.length === 0) return;
    const TopicArn = await this.#names.topicArn(topic);
    await sendBatches(
      this.#patience,
      `publishing to ${this.#names.full(topic)}`,
      batches,
      (batch) =>
        this.#clients.sns.send(
          new PublishBatchCommand({
            TopicArn,
            PublishBatchRequestEntries: batch.map((entry, index) => ({
              Id: String(index),
              Message: entry.body,
              MessageAttributes: toAttributes(entry),
              ...this.#groupOf(topic, entry),
            })),
          }),
        ),
    );
  }

  /** SQS then serves runs in turn where one of them fills the queue (SQS Developer Guide, "fair queues"). */
  #groupOf(topic: Topic, { attributes }: Outgoing): { MessageGroupId?: string } {
    const run = attributes?.["run"];
    return this.#groupsByRun && topic === "calls" && run !== undefined
      ? { MessageGroupId: run }
      : {};
  }

  async send(queue: string, entries: readonly Delayed[]): Promise<void> {
    for (const { delaySeconds = 0 } of entries) checkDelay(delaySeconds);
    const batches = packBatches(entries.map(shut), SQS_LIMITS);
    if (batches.length === 0) return;
    const QueueUrl = await this.#names.queueUrl(queue);
    await sendBatches(this.#patience, `sending to ${this.#names.full(queue)}`, batches, (batch) =>
      this.#clients.sqs.send(
        new SendMessageBatchCommand({
          QueueUrl,
          Entries: batch.map((entry, index) => ({
            Id: String(index),
            MessageBody: entry.body,
            MessageAttributes: toAttributes(entry),
            ...(entry.delaySeconds && { DelaySeconds: entry.delaySeconds }),
          })),
        }),
      ),
    );
  }

  async receive(queue: string, options: ReceiveOptions): Promise<Delivery[]> {
    const poll = new AbortController();
    const { signal } = poll;
    const abort = () => poll.abort();
    if (options.signal?.aborted || this.#closed.signal.aborted) return [];
    // Listeners are taken off again, one by one: both signals live as long as a worker.
    options.signal?.addEventListener("abort", abort, { once: true });
    this.#polls.add(poll);
    try {
      return await this.#receive(queue, options, signal);
    } catch (error) {
      if (signal.aborted) return [];
      throw error;
    } finally {
      options.signal?.removeEventListener("abort", abort);
      this.#polls.delete(poll);
    }
  }

  async #receive(queue: string, options: ReceiveOptions, signal: AbortSignal): Promise<Delivery[]> {
    const QueueUrl = await this.#names.queueUrl(queue);
    const command = new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages: options.maxMessages,
      WaitTimeSeconds: options.waitSeconds,
      ...(options.visibilitySeconds !== undefined && {
        VisibilityTimeout: options.visibilitySeconds,
      }),
      MessageAttributeNames: ["All"],
      MessageSystemAttributeNames: ["ApproximateReceiveCount", "SentTimestamp"],
    });
    const received = await this.#patience.run(
      `receiving from ${this.#names.full(queue)}`,
      () => this.#clients.sqs.send(command, { abortSignal: signal }),
      signal,
    );
    return (received.Messages ?? []).map(readDelivery);
  }

  async remove(queue: string, receipts: readonly string[]): Promise<void> {
    const QueueUrl = await this.#names.queueUrl(queue);
    await settleReceipts(
      this.#patience,
      `deleting from ${this.#names.full(queue)}`,
      receipts,
      (batch) =>
        this.#clients.sqs.send(
          new DeleteMessageBatchCommand({
            QueueUrl,
            Entries: batch.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle })),
          }),
        ),
    );
  }

  async extend(queue: string, receipts: readonly string[], seconds: number): Promise<string[]> {
    const QueueUrl = await this.#names.queueUrl(queue);
    return settleReceipts(
      this.#patience,
      `extending receives of ${this.#names.full(queue)}`,
      receipts,
      (batch) =>
        this.#clients.sqs.send(
          new ChangeMessageVisibilityBatchCommand({
            QueueUrl,
            Entries: batch.map((ReceiptHandle, index) => ({
              Id: String(index),
              ReceiptHandle,
              VisibilityTimeout: seconds,
            })),
          }),
        ),
    );
  }

  async release(queue: string, receipts: readonly string[]): Promise<void> {
    await this.extend(queue, receipts, this.#releaseSeconds);
  }

  async lanes(): Promise<string[]> {
    if (this.#lanes !== undefined) return [...this.#lanes];
    return listLanes({ clients: this.#clients, names: this.#names, patience: this.#patience });
  }

  async depth(queue: string): Promise<Depth> {
    const QueueUrl = await this.#names.queueUrl(queue);
    const { Attributes } = await this.#patience.run(
      `asking for the depth of ${this.#names.full(queue)}`,
      () =>
        this.#clients.sqs.send(
          new GetQueueAttributesCommand({
            QueueUrl,
            AttributeNames: [
              "ApproximateNumberOfMessages",
              "ApproximateNumberOfMessagesNotVisible",
              "ApproximateNumberOfMessagesDelayed",
            ],
          }),
        ),
    );
    return {
      visible: Number(Attributes?.ApproximateNumberOfMessages ?? 0),
      notVisible: Number(Attributes?.ApproximateNumberOfMessagesNotVisible ?? 0),
      delayed: Number(Attributes?.ApproximateNumberOfMessagesDelayed ?? 0),
    };
  }

  async close(): Promise<void> {
    this.#closed.abort();
    for (const poll of this.#polls) poll.abort();
    this.#clients.destroy();
  }
}

function shut<T extends Outgoing>(entry: T): T {
  return entry.isPlain === true ? entry : { ...entry, body: shutBody(entry.body) };
}
