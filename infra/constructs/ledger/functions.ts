import { Aws, Duration, Stack } from "aws-cdk-lib";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import { Schedule, ScheduleExpression, ScheduleTargetInput } from "aws-cdk-lib/aws-scheduler";
import { LambdaInvoke } from "aws-cdk-lib/aws-scheduler-targets";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { Trigger } from "aws-cdk-lib/triggers";
import { Construct } from "constructs";
import {
  LEDGER_DEAD_QUEUE,
  LEDGER_QUEUE,
  UNROUTED_QUEUE,
  deadQueue,
  failedQueue,
  laneQueue,
} from "../../../shared/broker/broker.ts";
import { LEDGER_FUNCTION_TIMEOUT_MS } from "../../../shared/ledger/function-wire.ts";
import { READER, RECORDER } from "../../../shared/ledger/role-names.ts";
import type { Environment } from "../../environments/environment.ts";
import {
  RECORDER_TIMEOUT_SECONDS,
  RECORDER_WINDOW_SECONDS,
  ledgerFunctionName,
  queryFunctionName,
} from "../../stacks/names.ts";
import { acknowledge } from "../acknowledge.ts";
import type { Backbone } from "../backbone.ts";
import { mayCoordinate, mayFind, mayPublish, mayReceive, maySend } from "../permissions.ts";
import { SenpuFunction } from "../senpu-function.ts";
import type { SenpuFunctionProps } from "../senpu-function.ts";
import type { Stores } from "../stores.ts";
import { ADMINISTRATOR } from "./database.ts";
import type { LedgerDatabase } from "./database.ts";
import type { LedgerNetwork } from "./network.ts";

export interface LedgerFunctionsProps {
  readonly prefix: string;
  readonly environment: Environment;
  readonly lanes: readonly string[];
  readonly backbone: Backbone;
  readonly stores: Stores;
  readonly network: LedgerNetwork;
  readonly database: LedgerDatabase;
  readonly keepRunsDays: number;
}

/** In each function of Node's: the certificates that sign RDS's. Source: Lambda developer guide, Node.js. */
const CA_FILE = "/var/runtime/ca-cert.pem";
const MEMORY_MB = 512;
/** As many messages as one transaction takes without a reader waiting for long. */
const RECORDER_BATCH = 100;
/** The fewest that an event source may have; each has a connection. */
const RECORDERS = 2;
const RETENTION_TIMEOUT_MS = 900_000;
const ROLES_TIMEOUT_MS = 60_000;

/** The functions in the database's network: alone there, since nothing else has to be (L2). */
export class LedgerFunctions extends Construct {
  readonly recorder: LambdaFunction;
  readonly ledger: LambdaFunction;
  readonly query: LambdaFunction;
  readonly retention: LambdaFunction;
  readonly #props: LedgerFunctionsProps;

  constructor(scope: Construct, id: string, props: LedgerFunctionsProps) {
    super(scope, id);
    this.#props = props;
    const { prefix } = props;
    this.recorder = this.#declareRecorder();
    const answering = { code: "ledger", timeoutMs: LEDGER_FUNCTION_TIMEOUT_MS } as const;
    this.ledger = this.#declare("ledger", RECORDER, {
      ...answering,
      functionName: ledgerFunctionName(prefix),
      description: "the ledger, for producers outside its network",
      variables: { SENPU_LEDGER_ACCESS: "write" },
    });
    this.query = this.#declare("query", READER, {
      ...answering,
      functionName: queryFunctionName(prefix),
      description: "the ledger, for who only looks",
      variables: { SENPU_LEDGER_ACCESS: "read" },
    });
    this.retention = this.#declare("retention", RECORDER, {
      code: "ledger-retention",
      description: "forgets old runs",
      timeoutMs: RETENTION_TIMEOUT_MS,
      variables: { SENPU_KEEP_RUNS_DAYS: String(props.keepRunsDays) },
    });
    this.#schedule("daily", this.retention, ScheduleExpression.rate(Duration.days(1)), {});
    this.#makeRoles();
  }

  /**
   * The recorder tells of runs that have ended, too: events by SNS, webhooks by IPv6 alone, as there is no other way out.
   * For an API that speaks IPv4 only, somebody subscribes to the event.
   */
  #declareRecorder(): LambdaFunction {
    const { prefix, backbone, stores, lanes } = this.#props;
    const recorder = this.#declare("recorder", RECORDER, {
      code: "recorder",
      description: "records what was planned and what became of it",
      timeoutMs: RECORDER_TIMEOUT_SECONDS * 1_000,
      variables: {
        SENPU_PREFIX: prefix,
        SENPU_COORDINATION_TABLE: stores.coordination.tableName,
        // SNS and SQS are reached by IPv6, and DynamoDB by IPv4 through its gateway endpoint.
        AWS_USE_DUALSTACK_ENDPOINT: "true",
        AWS_ENDPOINT_URL_DYNAMODB: `https://dynamodb.${Stack.of(this).region}.${Aws.URL_SUFFIX}`,
        NODE_OPTIONS: "--enable-source-maps --dns-result-order=ipv6first",
      },
    });
    mayReceive(
      recorder,
      [UNROUTED_QUEUE, ...lanes.map(deadQueue)].map((name) => backbone.queue(name)),
    );
    maySend(
      recorder,
      [LEDGER_DEAD_QUEUE, ...lanes.flatMap((lane) => [laneQueue(lane), failedQueue(lane)])].map(
        (name) => backbone.queue(name),
      ),
    );
    mayFind(recorder, [backbone.queue(LEDGER_QUEUE)]);
    mayPublish(recorder, [backbone.topics.outcomes]);
    mayCoordinate(recorder, stores.coordination);
    recorder.addEventSource(
      new SqsEventSource(backbone.queue(LEDGER_QUEUE), {
        batchSize: RECORDER_BATCH,
        maxBatchingWindow: Duration.seconds(RECORDER_WINDOW_SECONDS),
        maxConcurrency: RECORDERS,
        reportBatchItemFailures: true,
      }),
    );
    acknowledge(recorder, {
      "Serverless-LambdaEventSourceMappingDestination":
        "for SQS that is the queue's dead-letter queue",
    });
    this.#schedule("housekeeping", recorder, ScheduleExpression.rate(Duration.minutes(1)), {
      task: "housekeeping",
    });
    return recorder;
  }

  #declare(
    id: string,
    role: string,
    props: Pick<SenpuFunctionProps, "code" | "timeoutMs" | "functionName" | "variables"> & {
      readonly description: string;
    },
  ): LambdaFunction {
    const { network, database, environment } = this.#props;
    const declared = new SenpuFunction(this, id, {
      ...props,
      memoryMb: MEMORY_MB,
      architecture: "arm64",
      variables: {
        ...props.variables,
        SENPU_STATE: "/tmp/senpu",
        SENPU_LEDGER_URL: database.urlOf(role),
        SENPU_LEDGER_CA: CA_FILE,
      },
      vpc: network.vpc,
      vpcSubnets: network.functionSubnets,
      securityGroups: [network.functionsGroup],
      logRetentionDays: environment.logs.retentionDays,
    });
    database.maySignIn(declared.function, role);
    acknowledge(declared, {
      "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole]":
        "network interfaces, which Lambda makes for the function, take no names",
    });
    return declared.function;
  }

  #schedule(
    id: string,
    target: LambdaFunction,
    schedule: ScheduleExpression,
    input: Readonly<Record<string, string>>,
  ): void {
    new Schedule(this, id, {
      schedule,
      target: new LambdaInvoke(target, {
        input: ScheduleTargetInput.fromObject(input),
        // The next time does the same.
        retryAttempts: 0,
        maxEventAge: Duration.minutes(1),
      }),
    });
  }

  /**
   * The roles are made during the deployment, after the database and before whoever signs in by them; again whenever this
   * function changes. Interrupted, CloudFormation calls it again: it is safe to repeat.
   */
  #makeRoles(): void {
    const { database, network } = this.#props;
    const roles = this.#declare("roles", ADMINISTRATOR, {
      code: "ledger-roles",
      description: "makes the roles of recorders and readers",
      timeoutMs: ROLES_TIMEOUT_MS,
      variables: {},
    });
    const trigger = new Trigger(this, "make-roles", {
      handler: roles,
      timeout: Duration.millis(ROLES_TIMEOUT_MS),
    });
    trigger.executeAfter(database, network);
    trigger.executeBefore(this.recorder, this.ledger, this.query, this.retention);
  }
}
