import { RemovalPolicy } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import {
  AwsCustomResource,
  AwsCustomResourcePolicy,
  PhysicalResourceId,
} from "aws-cdk-lib/custom-resources";
import { Construct } from "constructs";
import { readFileSync } from "node:fs";
import type { Environment } from "../../environments/environment.ts";
import { makeLog } from "../log.ts";
import { FORBIDDEN_PAGE, INDEX_PAGE, NOT_FOUND_PAGE } from "./paths.ts";

const PAGES = new URL("../../site/", import.meta.url);

const MEMORY_MB = 128;

export interface PagesProps {
  readonly bucket: IBucket;
  readonly logRetentionDays: Environment["logs"]["retentionDays"];
}

/**
 * The site's own pages, from `infra/site`, put into its bucket by a deployment: an S3 request each, by a role that may
 * write these objects and no other. (CDK's BucketDeployment may read and delete everything in the bucket.)
 */
export class Pages extends Construct {
  constructor(scope: Construct, id: string, { bucket, logRetentionDays }: PagesProps) {
    super(scope, id);
    const keys = [INDEX_PAGE, FORBIDDEN_PAGE, NOT_FOUND_PAGE];
    const logGroup = makeLog(this, logRetentionDays);
    const role = new Role(this, "role", {
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
    });
    role.addToPolicy(
      new PolicyStatement({
        actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
        resources: [logGroup.logGroupArn],
      }),
    );
    for (const key of keys) {
      const request = {
        service: "S3",
        action: "PutObject",
        parameters: {
          Bucket: bucket.bucketName,
          Key: key,
          Body: readFileSync(new URL(key, PAGES), "utf8"),
          ContentType: "text/html; charset=utf-8",
          CacheControl: "max-age=300",
        },
        physicalResourceId: PhysicalResourceId.of(key),
        outputPaths: ["ETag"],
      };
      new AwsCustomResource(this, key, {
        onCreate: request,
        onUpdate: request,
        policy: AwsCustomResourcePolicy.fromStatements([
          new PolicyStatement({
            actions: ["s3:PutObject"],
            resources: [bucket.arnForObjects(key)],
          }),
        ]),
        role,
        logGroup,
        installLatestAwsSdk: false,
        memorySize: MEMORY_MB,
        removalPolicy: RemovalPolicy.DESTROY,
      });
    }
  }
}
