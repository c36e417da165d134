import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from "aws-cdk-lib/aws-s3";
import type { BucketProps, IBucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { acknowledge } from "../acknowledge.ts";
import { REPORTS } from "./paths.ts";

export interface SiteBucketsProps {
  readonly keepReportsDays: number;
  readonly keepLogsDays: number;
  /** Are reports kept when the stack is deleted? */
  readonly keepsData: boolean;
}

const CLOSED: BucketProps = {
  blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
  encryption: BucketEncryption.S3_MANAGED,
  enforceSSL: true,
  minimumTLSVersion: 1.2,
};

/** Where reports lie, and who has read them. Neither is to be reached but through CloudFront, or with AWS credentials. */
export class SiteBuckets extends Construct {
  readonly content: IBucket;
  readonly logs: IBucket;

  constructor(scope: Construct, id: string, props: SiteBucketsProps) {
    super(scope, id);
    const { keepReportsDays, keepLogsDays, keepsData } = props;
    const abortIncompleteMultipartUploadAfter = Duration.days(1);
    const content = new Bucket(this, "content", {
      ...CLOSED,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: keepsData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
      lifecycleRules: [
        { abortIncompleteMultipartUploadAfter },
        // The site's own pages stay.
        { prefix: REPORTS, expiration: Duration.days(keepReportsDays) },
      ],
    });
    const logs = new Bucket(this, "logs", {
      ...CLOSED,
      // CloudFront writes them by an access control list. Source: CloudFront developer guide, "Standard logging (legacy)".
      objectOwnership: ObjectOwnership.BUCKET_OWNER_PREFERRED,
      removalPolicy: RemovalPolicy.DESTROY,
      lifecycleRules: [
        { abortIncompleteMultipartUploadAfter, expiration: Duration.days(keepLogsDays) },
      ],
    });
    acknowledge(content, {
      "AwsSolutions-S1": "CloudFront logs each request; nothing else may read the bucket",
    });
    acknowledge(logs, { "AwsSolutions-S1": "it holds logs itself" });
    // CDK's own types are not written for exact optional properties.
    this.content = content as IBucket;
    this.logs = logs as IBucket;
  }
}
