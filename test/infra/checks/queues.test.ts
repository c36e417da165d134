import { expect, test } from "vitest";
import {
  checkDeadLetterAlarms,
  checkReceives,
  checkSubscriptions,
  checkVisibility,
} from "../../../infra/checks/queues.ts";
import type { Template } from "../../../infra/checks/template.ts";

const ref = (id: string): object => ({ "Fn::GetAtt": [id, "Arn"] });

function behindQueue(visibility: number | undefined, timeout: number, window = 0): Template {
  return {
    Resources: {
      queue: {
        Type: "AWS::SQS::Queue",
        Properties: visibility === undefined ? {} : { VisibilityTimeout: visibility },
      },
      worker: { Type: "AWS::Lambda::Function", Properties: { Timeout: timeout } },
      mapping: {
        Type: "AWS::Lambda::EventSourceMapping",
        Properties: {
          EventSourceArn: ref("queue"),
          FunctionName: { Ref: "worker" },
          MaximumBatchingWindowInSeconds: window,
        },
      },
    },
  };
}

test("a visibility timeout of less than six times the function's, and its window, is found", () => {
  expect(checkVisibility(behindQueue(360, 60))).toEqual([]);
  expect(checkVisibility(behindQueue(359, 60))).toEqual([
    "mapping: queue queue has a visibility timeout of 359 s, and its function runs for up to 60 s; at least 360 s",
  ]);
  expect(checkVisibility(behindQueue(360, 60, 5))).toHaveLength(1);
  expect(checkVisibility(behindQueue(undefined, 6))).toHaveLength(1);
});

test("a queue that gives up after fewer than five receives is found", () => {
  const queue = (maxReceiveCount: number): Template => ({
    Resources: {
      queue: { Type: "AWS::SQS::Queue", Properties: { RedrivePolicy: { maxReceiveCount } } },
    },
  });
  expect(checkReceives(queue(5))).toEqual([]);
  expect(checkReceives(queue(1))).toEqual([
    "queue: a message is given up after 1 receives; at least 5",
  ]);
});

test("a dead-letter queue that no alarm watches is found, a subscription's too", () => {
  const resources = {
    queue: {
      Type: "AWS::SQS::Queue",
      Properties: { RedrivePolicy: { deadLetterTargetArn: ref("dead"), maxReceiveCount: 5 } },
    },
    dead: { Type: "AWS::SQS::Queue" },
    alarm: {
      Type: "AWS::CloudWatch::Alarm",
      Properties: {
        AlarmActions: [{ Ref: "topic" }],
        Dimensions: [{ Name: "QueueName", Value: { "Fn::GetAtt": ["dead", "QueueName"] } }],
      },
    },
  };
  expect(checkDeadLetterAlarms({ Resources: resources })).toEqual([]);
  const silent = { ...resources, alarm: { Type: "AWS::CloudWatch::Alarm", Properties: {} } };
  expect(checkDeadLetterAlarms({ Resources: silent })).toEqual([
    "dead: takes what queue gives up, and no alarm watches it",
  ]);
  const subscription = {
    Type: "AWS::SNS::Subscription",
    Properties: { RedrivePolicy: { deadLetterTargetArn: ref("undelivered") } },
  };
  expect(
    checkDeadLetterAlarms({
      Resources: { ...resources, subscription, undelivered: { Type: "AWS::SQS::Queue" } },
    }),
  ).toEqual(["undelivered: takes what subscription gives up, and no alarm watches it"]);
});

test("a subscription without a dead-letter queue is found", () => {
  const Properties = { Protocol: "sqs" };
  expect(
    checkSubscriptions({ Resources: { s: { Type: "AWS::SNS::Subscription", Properties } } }),
  ).toEqual(["s: what SNS cannot deliver is lost; give it a dead-letter queue"]);
});
