import {
  GetSubscriptionAttributesCommand,
  ListSubscriptionsCommand,
  SetSubscriptionAttributesCommand,
} from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ListQueuesCommand,
} from "@aws-sdk/client-sqs";
import { expect, onTestFinished, test } from "vitest";
import { createAwsClients } from "../../../shared/broker/aws-clients.ts";
import { connect, startEmbedded } from "./embedded.ts";

async function start() {
  const { endpointUrl } = await startEmbedded();
  const clients = createAwsClients({ endpointUrl });
  onTestFinished(() => clients.destroy());
  return { ...clients, endpointUrl };
}

test("a queue that exists otherwise is given the declared attributes", async () => {
  const { sqs, endpointUrl } = await start();
  const Attributes = { VisibilityTimeout: "99", MessageRetentionPeriod: "60" };
  const { QueueUrl } = await sqs.send(
    new CreateQueueCommand({ QueueName: "senpu-ledger", Attributes }),
  );
  await connect(endpointUrl).ensure([]);
  const found = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }),
  );
  expect(found.Attributes).toMatchObject({
    VisibilityTimeout: "5",
    MessageRetentionPeriod: "345600",
  });
  expect(JSON.parse(found.Attributes!.RedrivePolicy!)).toEqual({
    deadLetterTargetArn: "arn:aws:sqs:us-east-1:000000000000:senpu-ledger-dead",
    maxReceiveCount: 20,
  });
});

test("a subscription that exists otherwise is given the declared attributes, and stays one", async () => {
  const { sns, endpointUrl } = await start();
  await connect(endpointUrl).ensure(["crm"]);
  const list = () => sns.send(new ListSubscriptionsCommand({}));
  const before = (await list()).Subscriptions!;
  const SubscriptionArn = before.find(({ Endpoint }) =>
    Endpoint?.endsWith("senpu-lane-crm"),
  )!.SubscriptionArn;
  await sns.send(
    new SetSubscriptionAttributesCommand({
      SubscriptionArn,
      AttributeName: "RawMessageDelivery",
      AttributeValue: "false",
    }),
  );
  await connect(endpointUrl).ensure(["crm"]);
  const { Attributes } = await sns.send(new GetSubscriptionAttributesCommand({ SubscriptionArn }));
  expect(Attributes).toMatchObject({
    RawMessageDelivery: "true",
    FilterPolicy: '{"lane":["crm"]}',
  });
  expect((await list()).Subscriptions).toHaveLength(before.length);
});

test("another deployment's queues on the same endpoint are not seen as lanes", async () => {
  const { sns, endpointUrl } = await start();
  await connect(endpointUrl, { prefix: "senpu-lane" }).ensure(["theirs"]);
  await connect(endpointUrl).ensure(["ours"]);
  const { Subscriptions } = await sns.send(new ListSubscriptionsCommand({}));
  const unrouted = Subscriptions!.find(({ Endpoint }) => Endpoint?.endsWith(":senpu-unrouted"));
  const { Attributes } = await sns.send(
    new GetSubscriptionAttributesCommand({ SubscriptionArn: unrouted!.SubscriptionArn }),
  );
  expect(JSON.parse(Attributes!["FilterPolicy"]!).lane[0]["anything-but"]).toContain("ours");
});

test("lanes that this process has ensured cost no request", async () => {
  const { sqs, endpointUrl } = await start();
  const broker = connect(endpointUrl, { patienceMs: 0 });
  await broker.ensure(["a", "b"]);
  const { QueueUrls } = await sqs.send(new ListQueuesCommand({ QueueNamePrefix: "senpu-" }));
  expect(QueueUrls).toHaveLength(4 + 2 * 3);
  await broker.close();
  await broker.ensure(["b", "a"]);
});
