import {
  ListSubscriptionsByTopicCommand,
  SubscribeCommand,
  UnsubscribeCommand,
} from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
} from "@aws-sdk/client-sqs";
import type { AwsClients } from "../../../shared/broker/aws-clients.ts";
import { explainRefusal } from "../../../shared/aws/explain-refusal.ts";
import { decodeMessage } from "../../../shared/model/message.ts";
import type { OutcomeWatch, Seen } from "./outcome-watch.ts";

export interface QueueWatchOptions {
  readonly clients: AwsClients;
  /** The deployment's. */
  readonly prefix: string;
  /** Of all its ARNs. */
  readonly home: { readonly partition: string; readonly region: string; readonly account: string };
}

/** What a canary that died has left behind is removed by one that begins so much later. */
const LEFT_BEHIND_MS = 3_600_000;
const WAIT_SECONDS = 2;
/** Nobody is to find them here later. */
const RETENTION_SECONDS = 3_600;

/**
 * Sees outcomes on a queue of its own, subscribed to the outcomes topic while it lasts: for a deployment without a
 * ledger. It sees all runs' outcomes and looks at one's: a filter would act only after up to 15 minutes.
 * A death leaves the queue and its subscription; the next canary that begins an hour later or more removes both.
 */
export class QueueWatch implements OutcomeWatch {
  readonly #options: QueueWatchOptions;
  readonly #seen = new Map<string, Seen>();
  #run = "";
  #queueUrl: string | undefined;
  #subscription: string | undefined;

  constructor(options: QueueWatchOptions) {
    this.#options = options;
  }

  async begin(run: string, now = Date.now()): Promise<void> {
    this.#run = run;
    await this.#try("removing what an earlier canary left behind", () => this.#sweep(now));
    await this.#try("listening to the outcomes topic", () => this.#listen(now));
  }

  async look(): Promise<ReadonlyMap<string, Seen>> {
    await this.#try("reading outcomes", async () => {
      const { sqs } = this.#options.clients;
      const QueueUrl = this.#queueUrl;
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl,
          MaxNumberOfMessages: 10,
          WaitTimeSeconds: WAIT_SECONDS,
        }),
      );
      if (Messages.length === 0) return;
      for (const { Body = "" } of Messages) this.#read(Body);
      await sqs.send(
        new DeleteMessageBatchCommand({
          QueueUrl,
          Entries: Messages.map(({ ReceiptHandle }, index) => ({
            Id: String(index),
            ReceiptHandle,
          })),
        }),
      );
    });
    return this.#seen;
  }

  async end(): Promise<void> {
    const { sns, sqs } = this.#options.clients;
    await this.#try("listening to the outcomes topic no more", async () => {
      if (this.#subscription !== undefined) {
        await sns.send(new UnsubscribeCommand({ SubscriptionArn: this.#subscription }));
      }
      if (this.#queueUrl !== undefined) {
        await sqs.send(new DeleteQueueCommand({ QueueUrl: this.#queueUrl }));
      }
    });
  }

  #read(body: string): void {
    let message;
    try {
      message = decodeMessage(body);
    } catch {
      // Outcomes of a newer version, or the event of a run that has ended.
      return;
    }
    if (message.kind !== "outcomes" || message.run !== this.#run) return;
    for (const [id, status] of message.succeeded) {
      this.#seen.set(id, { state: "succeeded", status, error: null });
    }
    for (const { id, state, status = null, error = null } of message.others) {
      this.#seen.set(id, { state, status, error });
    }
  }

  async #listen(now: number): Promise<void> {
    const { clients, home } = this.#options;
    const name = `${this.#namesBegin()}${now}`;
    const { partition, region, account } = home;
    const queueArn = `arn:${partition}:sqs:${region}:${account}:${name}`;
    const topicArn = this.#topicArn();
    const { QueueUrl } = await clients.sqs.send(
      new CreateQueueCommand({
        QueueName: name,
        Attributes: {
          MessageRetentionPeriod: String(RETENTION_SECONDS),
          Policy: JSON.stringify({
            Version: "2012-10-17",
            Statement: [
              {
                Effect: "Allow",
                Principal: { Service: "sns.amazonaws.com" },
                Action: "sqs:SendMessage",
                Resource: queueArn,
                Condition: { ArnEquals: { "aws:SourceArn": topicArn } },
              },
            ],
          }),
        },
      }),
    );
    this.#queueUrl = QueueUrl;
    const { SubscriptionArn } = await clients.sns.send(
      new SubscribeCommand({
        TopicArn: topicArn,
        Protocol: "sqs",
        Endpoint: queueArn,
        Attributes: { RawMessageDelivery: "true" },
        ReturnSubscriptionArn: true,
      }),
    );
    this.#subscription = SubscriptionArn;
  }

  async #sweep(now: number): Promise<void> {
    const { sns, sqs } = this.#options.clients;
    const begin = this.#namesBegin();
    const isLeft = (name: string): boolean => {
      const at = Number(name.slice(name.lastIndexOf(begin) + begin.length));
      return name.includes(begin) && now - at > LEFT_BEHIND_MS;
    };
    const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({ QueueNamePrefix: begin }));
    const left = QueueUrls.filter(isLeft);
    if (left.length === 0) return;
    const { Subscriptions = [] } = await sns.send(
      new ListSubscriptionsByTopicCommand({ TopicArn: this.#topicArn() }),
    );
    for (const { Endpoint = "", SubscriptionArn } of Subscriptions) {
      if (isLeft(Endpoint)) await sns.send(new UnsubscribeCommand({ SubscriptionArn }));
    }
    for (const QueueUrl of left) await sqs.send(new DeleteQueueCommand({ QueueUrl }));
  }

  #namesBegin(): string {
    return `${this.#options.prefix}-canary-`;
  }

  #topicArn(): string {
    const { prefix, home } = this.#options;
    return `arn:${home.partition}:sns:${home.region}:${home.account}:${prefix}-outcomes`;
  }

  async #try(doing: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      throw explainRefusal(error, doing);
    }
  }
}
