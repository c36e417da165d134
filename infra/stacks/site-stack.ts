import { CfnOutput, Stack } from "aws-cdk-lib";
import type { StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { acknowledge } from "../constructs/acknowledge.ts";
import { SiteDistribution } from "../constructs/site/distribution.ts";
import { Pages } from "../constructs/site/pages.ts";
import { SiteBuckets } from "../constructs/site/site-buckets.ts";
import type { Environment, SiteSettings } from "../environments/environment.ts";
import { deploymentPrefix } from "./names.ts";

export interface SiteProps extends StackProps {
  readonly environment: Environment;
  readonly settings: SiteSettings;
  /** Of the edge stack, in us-east-1. */
  readonly webAclArn: string;
}

/** The website: reports that runs publish, under `reports/`, and its own few pages. */
export class SiteStack extends Stack {
  constructor(scope: Construct, id: string, props: SiteProps) {
    super(scope, id, props);
    const { environment, settings, webAclArn } = props;
    const buckets = new SiteBuckets(this, "buckets", {
      keepReportsDays: settings.keepReportsDays,
      keepLogsDays: environment.logs.retentionDays,
      keepsData: environment.data === "keep",
    });
    const { distribution } = new SiteDistribution(this, "cdn", {
      prefix: deploymentPrefix(environment),
      settings,
      webAclArn,
      buckets,
    });
    new Pages(this, "pages", {
      bucket: buckets.content,
      logRetentionDays: environment.logs.retentionDays,
    });
    // The function that makes those requests is CDK's own, and the only one here.
    acknowledge(this, {
      "AwsSolutions-L1": "CDK chooses the runtime with its code",
      "Serverless-LambdaLatestVersion": "CDK chooses the runtime with its code",
      "Serverless-LambdaDLQ": "CloudFormation waits for its answer, and fails without it",
      "Serverless-LambdaTracing": "it runs during a deployment, which tells what it did",
    });
    new CfnOutput(this, "site-url", {
      value: `https://${settings.domain?.name ?? distribution.distributionDomainName}/`,
    });
    new CfnOutput(this, "reports-bucket", { value: buckets.content.bucketName });
  }
}
