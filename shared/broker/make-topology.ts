import {
  CreateTopicCommand,
  ListSubscriptionsByTopicCommand,
  SetSubscriptionAttributesCommand,
  SubscribeCommand,
} from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  GetQueueUrlCommand,
  SetQueueAttributesCommand,
} from "@aws-sdk/client-sqs";
import { SenpuError } from "../errors.ts";
import type { AwsClients } from "./aws-clients.ts";
import type { AwsNames } from "./aws-names.ts";
import { UNROUTED_QUEUE } from "./broker.ts";
import type { Topic } from "./broker.ts";
import { listLanes } from "./list-lanes.ts";
import type { Requester } from "./list-lanes.ts";
import { TOPICS, laneTopology, sharedTopology } from "./topology.ts";
import type { QueueSpec, SubscriptionSpec } from "./topology.ts";

/**
 * Makes what is missing for these lanes and sets what differs. Every step may be repeated, or done by two processes at
 * once. Queues come before the subscriptions that name them, dead-letter queues before what names those; `unrouted`
 * stops taking a lane only once that lane's own subscription stands, so that no message falls between.
 */
export async function makeTopology(requester: Requester, lanes: readonly string[]): Promise<void> {
  const parts = [sharedTopology([]), ...lanes.map(laneTopology)];
  const queues = parts.flatMap((part) => part.queues);
  const subscriptions = parts.flatMap((part) => part.subscriptions);
  await Promise.all(TOPICS.map((topic) => makeTopic(requester, topic)));
  const makeQueues = (specs: QueueSpec[]) =>
    Promise.all(specs.map((spec) => makeQueue(requester, spec)));
  await makeQueues(queues.filter((spec) => !spec.redrive));
  await makeQueues(queues.filter((spec) => spec.redrive));
  await Promise.all(
    subscriptions
      .filter((spec) => spec.queue !== UNROUTED_QUEUE)
      .map((spec) => subscribe(requester, spec)),
  );
  await keepUnroutedUpToDate(requester);
}

/**
 * `unrouted` takes what no lane queue takes, so its filter names all lanes. Of two processes that add a lane each, the
 * later to write may not have seen the other's: so each looks again after writing, until what it wrote is what it sees.
 */
async function keepUnroutedUpToDate(requester: Requester): Promise<void> {
  let seen = await listLanes(requester);
  for (;;) {
    const spec = sharedTopology(seen).subscriptions.find(({ queue }) => queue === UNROUTED_QUEUE)!;
    await subscribe(requester, spec);
    const now = await listLanes(requester);
    if (now.join() === seen.join()) return;
    seen = now;
  }
}

async function makeTopic({ clients, names, patience }: Requester, topic: Topic): Promise<void> {
  const Name = names.full(topic);
  const made = await patience.run(`making topic ${Name}`, () =>
    clients.sns.send(new CreateTopicCommand({ Name })),
  );
  names.learnTopicArn(made.TopicArn!);
}

async function makeQueue({ clients, names, patience }: Requester, spec: QueueSpec): Promise<void> {
  const QueueName = names.full(spec.name);
  const Attributes: Record<string, string> = {
    VisibilityTimeout: String(spec.visibilitySeconds),
    MessageRetentionPeriod: String(spec.retentionSeconds),
    Policy: await topicsMaySend(names, spec.name),
  };
  if (spec.redrive) {
    Attributes["RedrivePolicy"] = JSON.stringify({
      deadLetterTargetArn: await names.queueArn(spec.redrive.queue),
      maxReceiveCount: spec.redrive.maxReceives,
    });
  }
  const url = await patience.run(`making queue ${QueueName}`, async () => {
    try {
      return (await clients.sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl!;
    } catch (error) {
      if (!saysExistsOtherwise(error)) throw error;
      const { QueueUrl } = await clients.sqs.send(new GetQueueUrlCommand({ QueueName }));
      await clients.sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
      return QueueUrl!;
    }
  });
  names.learnQueueUrl(spec.name, url);
}

async function subscribe(requester: Requester, spec: SubscriptionSpec): Promise<void> {
  const { clients, names, patience } = requester;
  const TopicArn = await names.topicArn(spec.topic);
  const Endpoint = await names.queueArn(spec.queue);
  const Attributes: Record<string, string> = {
    RawMessageDelivery: "true",
    ...(spec.filter && { FilterPolicy: JSON.stringify(spec.filter) }),
    RedrivePolicy: JSON.stringify({
      deadLetterTargetArn: await names.queueArn(spec.deadLetterQueue),
    }),
  };
  await patience.run(
    `subscribing ${names.full(spec.queue)} to ${names.full(spec.topic)}`,
    async () => {
      try {
        await clients.sns.send(
          new SubscribeCommand({ TopicArn, Protocol: "sqs", Endpoint, Attributes }),
        );
      } catch (error) {
        if (!saysExistsOtherwise(error)) throw error;
        const SubscriptionArn = await findSubscription(clients, TopicArn, Endpoint);
        for (const [AttributeName, AttributeValue] of Object.entries(Attributes)) {
          await clients.sns.send(
            new SetSubscriptionAttributesCommand({
              SubscriptionArn,
              AttributeName,
              AttributeValue,
            }),
          );
        }
      }
    },
  );
}

async function findSubscription(
  { sns }: AwsClients,
  TopicArn: string,
  endpoint: string,
): Promise<string> {
  let NextToken: string | undefined;
  do {
    const page = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn, NextToken }));
    const found = page.Subscriptions?.find(({ Endpoint }) => Endpoint === endpoint);
    if (found?.SubscriptionArn) return found.SubscriptionArn;
    NextToken = page.NextToken;
  } while (NextToken);
  throw new SenpuError(
    "broker",
    `${TopicArn} says that ${endpoint} is subscribed, but does not list it`,
  );
}

/** Without this SNS may not deliver to the queue; confined to this deployment's topics. */
async function topicsMaySend(names: AwsNames, queue: string): Promise<string> {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { Service: "sns.amazonaws.com" },
        Action: "sqs:SendMessage",
        Resource: await names.queueArn(queue),
        Condition: {
          ArnEquals: {
            "aws:SourceArn": await Promise.all(TOPICS.map((topic) => names.topicArn(topic))),
          },
        },
      },
    ],
  });
}

/** It exists, with other attributes: SQS has a code for that, SNS only a text. */
function saysExistsOtherwise(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    /QueueNameExists|QueueAlreadyExists/.test(error.name) ||
    /already exists with different/i.test(error.message)
  );
}
