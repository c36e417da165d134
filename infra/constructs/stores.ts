import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { AttributeType, Billing, TableEncryptionV2, TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import { COORDINATION_TABLE } from "../../shared/coordination/dynamo-schema.ts";

/** In the results bucket: answers that calls save, and plans whose `save` is `s3://<results bucket>/answers/…`. */
export const ANSWERS_PREFIX = "answers/";

export interface StoresProps {
  readonly keepDays: number;
  /** Are plans kept when the stack is deleted? What the others hold is of no use without the queues. */
  readonly keepsData: boolean;
}

/** What producers and workers share beside queues: the coordination table, and buckets for plans, large calls and results. */
export class Stores extends Construct {
  readonly coordination: TableV2;
  readonly plans: Bucket;
  readonly claims: Bucket;
  readonly results: Bucket;

  constructor(scope: Construct, id: string, { keepDays, keepsData }: StoresProps) {
    super(scope, id);
    this.coordination = new TableV2(this, "coordination", {
      partitionKey: { name: COORDINATION_TABLE.partitionKey, type: AttributeType.STRING },
      sortKey: { name: COORDINATION_TABLE.sortKey, type: AttributeType.STRING },
      timeToLiveAttribute: COORDINATION_TABLE.timeToLiveAttribute,
      billing: Billing.onDemand(),
      encryption: TableEncryptionV2.awsManagedKey(),
      // It holds no truth about a call: losing all of it loses none.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const lifetime = Duration.days(keepDays);
    this.plans = makeBucket(this, "plans", keepsData, undefined);
    this.claims = makeBucket(this, "claims", false, lifetime);
    this.results = makeBucket(this, "results", keepsData, lifetime);
  }
}

function makeBucket(
  scope: Construct,
  id: string,
  keeps: boolean,
  expiration: Duration | undefined,
): Bucket {
  const bucket = new Bucket(scope, id, {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    encryption: BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    removalPolicy: keeps ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    lifecycleRules: [
      {
        abortIncompleteMultipartUploadAfter: Duration.days(1),
        ...(expiration === undefined ? {} : { expiration }),
      },
    ],
  });
  acknowledge(bucket, {
    "AwsSolutions-S1":
      "only senpu's own roles reach it; CloudTrail data events tell who, where somebody needs it",
  });
  return bucket;
}
