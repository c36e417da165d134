import { Duration } from "aws-cdk-lib";
import { SubscriptionFilter, Topic } from "aws-cdk-lib/aws-sns";
import { SqsSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Alias } from "aws-cdk-lib/aws-kms";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import { TOPICS } from "../../shared/broker/topology.ts";
import type { FilterPolicy, QueueSpec, SubscriptionSpec } from "../../shared/broker/topology.ts";
import type { Topic as TopicName } from "../../shared/broker/broker.ts";

export interface BackboneProps {
  /** Of every topic's and queue's name, before a hyphen: the code finds them by it. */
  readonly prefix: string;
}

/**
 * Topics and queues as data in `shared/broker/topology.ts` has them, so that what is deployed is what runs on a laptop.
 * Encrypted, and reached by TLS only.
 */
export class Backbone extends Construct {
  readonly topics: Readonly<Record<TopicName, Topic>>;
  readonly #prefix: string;
  readonly #queues = new Map<string, Queue>();

  constructor(scope: Construct, id: string, { prefix }: BackboneProps) {
    super(scope, id);
    this.#prefix = prefix;
    const masterKey = Alias.fromAliasName(this, "sns-key", "alias/aws/sns");
    const topics = TOPICS.map((name) => [
      name,
      new Topic(this, name, { topicName: `${prefix}-${name}`, masterKey, enforceSSL: true }),
    ]);
    this.topics = Object.fromEntries(topics) as Record<TopicName, Topic>;
  }

  /** Throws when the topology names one that has not been declared. */
  queue(name: string): Queue {
    const found = this.#queues.get(name);
    if (found === undefined) throw new Error(`queue ${name} is not declared`);
    return found;
  }

  /** Dead-letter queues before the queues that name them. */
  declareQueues(specs: readonly QueueSpec[]): void {
    const inOrder = specs.toSorted(
      (a, b) => Number(a.redrive !== undefined) - Number(b.redrive !== undefined),
    );
    for (const spec of inOrder) this.#declareQueue(spec);
  }

  subscribe(specs: readonly SubscriptionSpec[]): void {
    for (const { topic, queue, filter, deadLetterQueue } of specs) {
      this.topics[topic].addSubscription(
        new SqsSubscription(this.queue(queue), {
          rawMessageDelivery: true,
          deadLetterQueue: this.queue(deadLetterQueue),
          ...(filter && { filterPolicy: toFilter(filter) }),
        }),
      );
    }
  }

  #declareQueue({ name, visibilitySeconds, retentionSeconds, redrive }: QueueSpec): void {
    const queue = new Queue(this, name, {
      queueName: `${this.#prefix}-${name}`,
      visibilityTimeout: Duration.seconds(visibilitySeconds),
      retentionPeriod: Duration.seconds(retentionSeconds),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      ...(redrive && {
        deadLetterQueue: { queue: this.queue(redrive.queue), maxReceiveCount: redrive.maxReceives },
      }),
    });
    if (redrive === undefined) acknowledge(queue, LAST_STOP);
    this.#queues.set(name, queue);
  }
}

const WHY_LAST =
  "what comes here has been given up already; an alarm watches it, and people or senpu replay take it on";
const LAST_STOP = {
  "AwsSolutions-SQS3": WHY_LAST,
  "Serverless-SQSRedrivePolicy": WHY_LAST,
};

function toFilter(policy: FilterPolicy): Record<string, SubscriptionFilter> {
  return Object.fromEntries(
    Object.entries(policy).map(([attribute, conditions]) => [
      attribute,
      new SubscriptionFilter([...conditions]),
    ]),
  );
}
