import { Duration } from "aws-cdk-lib";
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, Code, Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import type { FunctionProps } from "aws-cdk-lib/aws-lambda";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import { bundleFolder } from "../bundle/all.ts";
import { HANDLER } from "../bundle/bundle.ts";
import type { Environment } from "../environments/environment.ts";
import { makeLog } from "./log.ts";
import type { FunctionName } from "../bundle/functions.ts";

export interface SenpuFunctionProps extends Pick<
  FunctionProps,
  "functionName" | "vpc" | "vpcSubnets" | "securityGroups" | "description"
> {
  /** Whose bundle it runs. */
  readonly code: FunctionName;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  readonly architecture: "arm64" | "x86_64";
  readonly variables: Readonly<Record<string, string>>;
  /** Takes events of asynchronous invocations that were tried in vain; absent: it has none, and its queue has its own. */
  readonly deadLetterQueue?: IQueue;
  readonly logRetentionDays: Environment["logs"]["retentionDays"];
}

/** A Lambda function of senpu's: its own bundle and no other, its own role that names what it may do, its own log. */
export class SenpuFunction extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: SenpuFunctionProps) {
    super(scope, id);
    const logGroup = makeLog(this, props.logRetentionDays);
    const role = new Role(this, "role", {
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
    });
    role.addToPolicy(
      new PolicyStatement({
        actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
        resources: [logGroup.logGroupArn],
      }),
    );
    const { functionName, vpc, vpcSubnets, securityGroups, description } = props;
    if (vpc !== undefined) {
      role.addManagedPolicy(
        ManagedPolicy.fromAwsManagedPolicyName("service-role/AWSLambdaVPCAccessExecutionRole"),
      );
    }
    this.function = new LambdaFunction(this, "function", {
      ...(functionName === undefined ? {} : { functionName }),
      ...(description === undefined ? {} : { description }),
      ...(vpc === undefined
        ? {}
        : { vpc, allowPublicSubnet: false, ipv6AllowedForDualStack: true }),
      ...(vpcSubnets === undefined ? {} : { vpcSubnets }),
      ...(securityGroups === undefined ? {} : { securityGroups }),
      runtime: Runtime.NODEJS_24_X,
      architecture: props.architecture === "arm64" ? Architecture.ARM_64 : Architecture.X86_64,
      code: Code.fromAsset(bundleFolder(props.code)),
      handler: HANDLER,
      role,
      logGroup,
      timeout: Duration.millis(props.timeoutMs),
      memorySize: props.memoryMb,
      ...(props.deadLetterQueue === undefined ? {} : { deadLetterQueue: props.deadLetterQueue }),
      environment: { NODE_OPTIONS: "--enable-source-maps", ...props.variables },
    });
    acknowledge(this, {
      "Serverless-LambdaTracing":
        "traceparent travels with each call; X-Ray of the function alone would tell less and cost more",
      ...(props.deadLetterQueue === undefined
        ? {
            "Serverless-LambdaDLQ":
              "SQS invokes it synchronously; the queue's own dead-letter queue takes what fails",
          }
        : {}),
    });
  }
}
