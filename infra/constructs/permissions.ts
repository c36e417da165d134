import type { TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { Stack } from "aws-cdk-lib";
import type { CfnElement } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IGrantable, Role } from "aws-cdk-lib/aws-iam";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import type { Topic } from "aws-cdk-lib/aws-sns";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { acknowledge } from "./acknowledge.ts";

/**
 * Which actions each part needs, by name: the SDK commands that `shared/broker`, `shared/coordination`, `shared/claims`,
 * `shared/answers` and `producer` send, and no others. Each on resources by name.
 */

/** A topic's ARN is derived from a queue's, so whoever publishes must be able to ask for one. */
const FIND = ["sqs:GetQueueUrl", "sqs:GetQueueAttributes"];
const RECEIVE = [...FIND, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"];
/** On the coordination table. */
export const COORDINATE = [
  "dynamodb:GetItem",
  "dynamodb:BatchGetItem",
  "dynamodb:PutItem",
  "dynamodb:DeleteItem",
  "dynamodb:BatchWriteItem",
  "dynamodb:Query",
];

export function mayFind(who: IGrantable, queues: readonly Queue[]): void {
  allow(
    who,
    FIND,
    queues.map(({ queueArn }) => queueArn),
  );
}

export function mayReceive(who: IGrantable, queues: readonly Queue[]): void {
  allow(
    who,
    RECEIVE,
    queues.map(({ queueArn }) => queueArn),
  );
}

export function maySend(who: IGrantable, queues: readonly Queue[]): void {
  allow(
    who,
    [...FIND, "sqs:SendMessage"],
    queues.map(({ queueArn }) => queueArn),
  );
}

export function mayPublish(who: IGrantable, topics: readonly Topic[]): void {
  allow(
    who,
    ["sns:Publish"],
    topics.map(({ topicArn }) => topicArn),
  );
}

/** Rates, slots, closed destinations, checkpoints, the control of runs. */
export function mayCoordinate(who: IGrantable, table: TableV2): void {
  allow(who, COORDINATE, [table.tableArn]);
}

export function mayRead(who: IGrantable, bucket: Bucket): void {
  allow(who, ["s3:GetObject", "s3:GetObjectVersion"], [bucket.arnForObjects("*")]);
  acknowledgeObjects(who, bucket);
}

/** A claim is asked for by its name before it is written; S3 tells "none" from "forbidden" only to who may list. */
export function mayKeep(who: IGrantable, bucket: Bucket): void {
  allow(who, ["s3:GetObject", "s3:PutObject"], [bucket.arnForObjects("*")]);
  allow(who, ["s3:ListBucket"], [bucket.bucketArn]);
  acknowledgeObjects(who, bucket);
}

/** Results are written, object by object, and by whoever writes them never read. `prefix`: with a slash at its end. */
export function mayWrite(who: IGrantable, bucket: Bucket, prefix: string): void {
  allow(who, ["s3:PutObject"], [bucket.arnForObjects(`${prefix}*`)]);
  acknowledgeObjects(who, bucket, prefix);
}

function acknowledgeObjects(who: IGrantable, bucket: Bucket, prefix = ""): void {
  const arn = Stack.of(bucket).getLogicalId(bucket.node.defaultChild as CfnElement);
  acknowledge(who.grantPrincipal as Role, {
    [`AwsSolutions-IAM5[Resource::<${arn}.Arn>/${prefix}*]`]:
      prefix === ""
        ? "objects of this one bucket, whatever their keys"
        : "objects of this one bucket below this prefix, whatever their keys",
  });
}

function allow(who: IGrantable, actions: readonly string[], resources: readonly string[]): void {
  who.grantPrincipal.addToPrincipalPolicy(
    new PolicyStatement({ actions: [...actions], resources: [...resources] }),
  );
}
