import { CfnOutput, Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import type { CfnElement } from "aws-cdk-lib";
import { AttributeType, Billing, TableEncryptionV2, TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { ManagedPolicy, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { FunctionUrlAuthType } from "aws-cdk-lib/aws-lambda";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { Schedule, ScheduleExpression, ScheduleTargetInput } from "aws-cdk-lib/aws-scheduler";
import { LambdaInvoke } from "aws-cdk-lib/aws-scheduler-targets";
import { Construct } from "constructs";
import { REGISTRATION_URL_OUTPUT, allowIpPolicyName } from "../../edge/names.ts";
import { REGISTRATIONS_TABLE } from "../../edge/registrations.ts";
import type { Environment } from "../../environments/environment.ts";
import { acknowledge } from "../acknowledge.ts";
import { SenpuFunction } from "../senpu-function.ts";
import type { AddressSets } from "./address-sets.ts";

export interface RegistrationProps {
  readonly prefix: string;
  readonly environment: Environment;
  readonly sets: AddressSets;
}

/** Its own patience with AWS WAF is 15 s. */
const TIMEOUT_MS = 30_000;
const MEMORY_MB = 256;

/**
 * Developers register the address that they come from (L4): a function behind a URL that takes signed requests only, by
 * IPv4 and IPv6 (function URLs are dual-stack), the table that says who and until when, and an hourly run that takes out
 * what has had its time.
 */
export class Registration extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: RegistrationProps) {
    super(scope, id);
    const { prefix, environment, sets } = props;
    const { expiresAfterDays, ipv6Prefix } = environment.edge.registration;
    const table = new TableV2(this, "table", {
      partitionKey: { name: REGISTRATIONS_TABLE.partitionKey, type: AttributeType.STRING },
      sortKey: { name: REGISTRATIONS_TABLE.sortKey, type: AttributeType.STRING },
      timeToLiveAttribute: REGISTRATIONS_TABLE.timeToLiveAttribute,
      billing: Billing.onDemand(),
      encryption: TableEncryptionV2.awsManagedKey(),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledge(table, {
      "AwsSolutions-DDB3": "whoever is missing from it registers again; nothing else is in it",
    });
    const { function: register } = new SenpuFunction(this, "register", {
      code: "register",
      description: "registers developers' addresses",
      timeoutMs: TIMEOUT_MS,
      memoryMb: MEMORY_MB,
      architecture: "arm64",
      variables: {
        SENPU_REGISTRATIONS: table.tableName,
        SENPU_IPV4_SET: sets.ipv4.ref,
        SENPU_IPV6_SET: sets.ipv6.ref,
        SENPU_IPV6_PREFIX: String(ipv6Prefix),
        SENPU_EXPIRES_AFTER_DAYS: String(expiresAfterDays),
      },
      logRetentionDays: environment.logs.retentionDays,
    });
    this.function = register;
    register.addToRolePolicy(
      new PolicyStatement({
        actions: ["dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:Query"],
        resources: [table.tableArn],
      }),
    );
    register.addToRolePolicy(
      new PolicyStatement({
        actions: ["wafv2:GetIPSet", "wafv2:UpdateIPSet"],
        resources: [sets.ipv4.attrArn, sets.ipv6.attrArn],
      }),
    );
    this.#openUrl(prefix);
    this.#expireHourly();
  }

  #openUrl(prefix: string): void {
    const { url } = this.function.addFunctionUrl({ authType: FunctionUrlAuthType.AWS_IAM });
    new CfnOutput(this, "url", { value: url }).overrideLogicalId(REGISTRATION_URL_OUTPUT);
    // Both actions are asked for, and the second only by way of the URL: who may invoke the function as he likes
    // could register any address in any name. Source: Lambda developer guide, "Control access to function URLs".
    new ManagedPolicy(this, "may-register", {
      managedPolicyName: allowIpPolicyName(prefix),
      description: "May register the address that they come from: senpu allow-ip",
      statements: [
        new PolicyStatement({
          actions: ["lambda:InvokeFunctionUrl"],
          resources: [this.function.functionArn],
          conditions: { StringEquals: { "lambda:FunctionUrlAuthType": "AWS_IAM" } },
        }),
        new PolicyStatement({
          actions: ["lambda:InvokeFunction"],
          resources: [this.function.functionArn],
          conditions: { Bool: { "lambda:InvokedViaFunctionUrl": "true" } },
        }),
        // By whose output the command finds the URL.
        new PolicyStatement({
          actions: ["cloudformation:DescribeStacks"],
          resources: [Stack.of(this).stackId],
        }),
      ],
    });
  }

  #expireHourly(): void {
    new Schedule(this, "hourly", {
      schedule: ScheduleExpression.rate(Duration.hours(1)),
      description: "takes out addresses that have had their time",
      target: new LambdaInvoke(this.function, {
        input: ScheduleTargetInput.fromObject({ task: "expire" }),
        // The next hour's run does the same.
        retryAttempts: 2,
        maxEventAge: Duration.minutes(30),
      }),
    });
    const stack = Stack.of(this);
    const id = stack.getLogicalId(this.function.node.defaultChild as CfnElement);
    acknowledge(stack, {
      [`AwsSolutions-IAM5[Resource::<${id}.Arn>:*]`]:
        "the scheduler's role may invoke this one function, in any version",
    });
  }
}
