import type { TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { ArnFormat, Stack } from "aws-cdk-lib";
import type { CfnElement } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IGrantable, Role } from "aws-cdk-lib/aws-iam";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import type { Topic } from "aws-cdk-lib/aws-sns";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import type { IConstruct } from "constructs";
import type { SecretsConfig } from "../../shared/config/secrets-schema.ts";
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

/** A store of secrets, and what stands before a name in it: `/senpu-test/` of parameters, `senpu-test/` of secrets. */
export interface SecretStore extends SecretsConfig {
  readonly prefix: string;
}

/** As the configuration declares it, for the deployment whose names begin with `prefix`. */
export function secretStore(
  secrets: SecretsConfig | undefined,
  prefix: string,
): SecretStore | undefined {
  if (secrets === undefined) return undefined;
  return { ...secrets, prefix: secrets.store === "ssm" ? `/${prefix}/` : `${prefix}/` };
}

/** These secrets, by name, and no others. */
export function mayReadSecrets(
  who: IGrantable,
  scope: IConstruct,
  { store, prefix }: SecretStore,
  names: readonly string[],
): void {
  if (names.length === 0) return;
  const stack = Stack.of(scope);
  if (store === "ssm") {
    const resource = "parameter";
    const arns = names.map((name) =>
      stack.formatArn({
        service: "ssm",
        resource,
        resourceName: (prefix + name).replace(/^\//, ""),
      }),
    );
    allow(who, ["ssm:GetParameter"], arns);
    return;
  }
  // Secrets Manager adds a hyphen and six characters of its own to each name (user guide, "Secret ARN").
  const arns = names.map((name) =>
    stack.formatArn({
      service: "secretsmanager",
      resource: "secret",
      resourceName: `${prefix}${name}-??????`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    }),
  );
  allow(who, ["secretsmanager:GetSecretValue"], arns);
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
