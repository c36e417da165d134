import { ArnFormat, CfnOutput, Stack } from "aws-cdk-lib";
import type { CfnElement, StackProps } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import type { Construct } from "constructs";
import {
  LEDGER_DEAD_QUEUE,
  LEDGER_QUEUE,
  UNROUTED_QUEUE,
  WAITING_QUEUE,
  deadQueue,
  failedQueue,
  laneQueue,
} from "../../shared/broker/broker.ts";
import {
  LANE_MAX_RECEIVES,
  SOURCE_RETENTION_SECONDS,
  UNDELIVERED_QUEUE,
  laneTopology,
  sharedTopology,
} from "../../shared/broker/topology.ts";
import type { LaneConfig } from "../../shared/config/config.ts";
import { toLaneOutputs } from "../../shared/deployment/deployed-lanes.ts";
import { ANSWERS_PREFIX, PIPELINE_OUTPUTS } from "../../shared/deployment/outputs.ts";
import { acknowledge } from "../constructs/acknowledge.ts";
import { Alarms } from "../constructs/alarms.ts";
import { Backbone } from "../constructs/backbone.ts";
import { PipelineDashboard } from "../constructs/dashboard.ts";
import { FargateNetwork } from "../constructs/fargate-network.ts";
import { FargateWorker } from "../constructs/fargate-worker.ts";
import { LambdaWorker } from "../constructs/lambda-worker.ts";
import {
  mayCoordinate,
  mayFind,
  mayKeep,
  mayPublish,
  mayRead,
  maySend,
} from "../constructs/permissions.ts";
import { Schedules } from "../constructs/schedules.ts";
import { SenpuFunction } from "../constructs/senpu-function.ts";
import { secretStore } from "../constructs/permissions.ts";
import { Stores } from "../constructs/stores.ts";
import type { WorkerParts } from "../constructs/worker-parts.ts";
import type { Environment } from "../environments/environment.ts";
import type { Assets } from "./assets.ts";
import {
  RECORDER_TIMEOUT_SECONDS,
  RECORDER_WINDOW_SECONDS,
  deploymentPrefix,
  ledgerFunctionName,
} from "./names.ts";

export interface PipelineProps extends StackProps, Assets {
  readonly environment: Environment;
}

/** Lambda's longest: a plan of millions of calls is published within it, or gone on with by the next try. */
const PRODUCER_TIMEOUT_MS = 900_000;
const PRODUCER_MEMORY_MB = 1_024;
/** Source: Lambda developer guide, "Using Lambda with Amazon SQS". */
const VISIBILITY_FACTOR = 6;

/**
 * Topics, queues, workers, the stores that they share, the producer and its schedules, and who is told when something is
 * wrong. Nothing of it is in a VPC but Fargate lanes, so all of it comes and goes in minutes (L2).
 */
export class PipelineStack extends Stack {
  readonly backbone: Backbone;
  readonly stores: Stores;
  readonly alarms: Alarms;
  readonly #props: PipelineProps;
  readonly #parts: WorkerParts;
  #network: FargateNetwork | undefined;

  constructor(scope: Construct, id: string, props: PipelineProps) {
    super(scope, id, props);
    this.#props = props;
    const { environment, config } = props;
    const prefix = deploymentPrefix(environment);
    this.backbone = new Backbone(this, "backbone", { prefix });
    this.stores = new Stores(this, "stores", {
      keepDays: environment.pipeline.keepDays,
      keepsData: environment.data === "keep",
    });
    this.alarms = new Alarms(this, "alarms", { email: environment.alarms.email });
    this.#declareBackbone();
    const secrets = secretStore(config.secrets, prefix);
    this.#parts = {
      secrets,
      backbone: this.backbone,
      stores: this.stores,
      variables: {
        SENPU_PREFIX: prefix,
        SENPU_COORDINATION_TABLE: this.stores.coordination.tableName,
        SENPU_CLAIMS_BUCKET: this.stores.claims.bucketName,
        ...(secrets === undefined ? {} : { SENPU_SECRETS: `${secrets.store}:${secrets.prefix}` }),
        SENPU_ANSWERS_BUCKET: `${this.stores.results.bucketName}/${ANSWERS_PREFIX.slice(0, -1)}`,
      },
      logRetentionDays: environment.logs.retentionDays,
    };
    for (const lane of config.lanes) this.#declareWorker(lane);
    const producer = this.#declareProducer(prefix);
    new PipelineDashboard(this, "overview", {
      backbone: this.backbone,
      lanes: config.lanes.map(({ name }) => name),
    });
    this.#tell(producer);
  }

  /** What commands find by the environment's name. */
  #tell(producer: LambdaFunction): void {
    const { coordination, plans, claims, results } = this.stores;
    const names: Record<keyof typeof PIPELINE_OUTPUTS, string> = {
      coordinationTable: coordination.tableName,
      plansBucket: plans.bucketName,
      claimsBucket: claims.bucketName,
      resultsBucket: results.bucketName,
      producerFunction: producer.functionName,
    };
    for (const [key, output] of Object.entries(PIPELINE_OUTPUTS)) {
      new CfnOutput(this, output, { value: names[key as keyof typeof PIPELINE_OUTPUTS] });
    }
    for (const [output, value] of toLaneOutputs(this.#props.config)) {
      new CfnOutput(this, output, { value });
    }
  }

  #declareBackbone(): void {
    const { config, environment } = this.#props;
    const shared = sharedTopology(config.lanes.map(({ name }) => name));
    this.backbone.declareQueues(
      shared.queues.map((spec) =>
        spec.name === LEDGER_QUEUE
          ? {
              ...spec,
              visibilitySeconds:
                VISIBILITY_FACTOR * RECORDER_TIMEOUT_SECONDS + RECORDER_WINDOW_SECONDS,
            }
          : spec,
      ),
    );
    // Where nobody records, nothing piles up.
    this.backbone.subscribe(
      shared.subscriptions.filter(
        ({ queue }) => queue !== LEDGER_QUEUE || environment.ledger !== null,
      ),
    );
    this.alarms.onMessages(
      this.backbone.queue(LEDGER_DEAD_QUEUE),
      1,
      "messages that the recorder cannot read: was it updated after the producer?",
    );
    this.alarms.onMessages(
      this.backbone.queue(UNROUTED_QUEUE),
      1,
      "messages for a lane that is not deployed, or whose filter is younger than 15 minutes",
    );
    this.alarms.onMessages(
      this.backbone.queue(UNDELIVERED_QUEUE),
      1,
      "messages that SNS or the scheduler could not hand over: a policy or a key is wrong",
    );
    for (const lane of config.lanes) this.#declareLane(lane);
  }

  #declareLane({ name, queue, alarms }: LaneConfig): void {
    const { queues, subscriptions } = laneTopology(name);
    this.backbone.declareQueues(
      queues.map((spec) =>
        spec.redrive === undefined
          ? spec
          : {
              ...spec,
              visibilitySeconds: queue.visibilitySeconds,
              retentionSeconds: queue.retentionSeconds,
              redrive: { ...spec.redrive, maxReceives: queue.maxReceives },
            },
      ),
    );
    this.backbone.subscribe(subscriptions);
    const { oldestMessageMinutes } = this.#props.environment.alarms;
    this.alarms.onMessages(
      this.backbone.queue(failedQueue(name)),
      alarms.failed,
      `calls of lane ${name} have failed for good: senpu dlq ${name} --env shows why`,
    );
    this.alarms.onMessages(
      this.backbone.queue(deadQueue(name)),
      alarms.dead,
      `messages of lane ${name} were received too often, or cannot be read`,
    );
    this.alarms.onAge(
      this.backbone.queue(laneQueue(name)),
      alarms.oldestMs ?? oldestMessageMinutes * 60_000,
    );
  }

  #declareWorker(lane: LaneConfig): void {
    const id = `worker-${lane.name}`;
    if (lane.worker.kind === "lambda") {
      const worker = new LambdaWorker(this, id, { ...this.#parts, lane, settings: lane.worker });
      this.alarms.onFailures(worker.function, id);
      return;
    }
    this.#network ??= new FargateNetwork(this, "fargate");
    new FargateWorker(this, id, {
      ...this.#parts,
      lane,
      settings: lane.worker,
      network: this.#network,
      image: this.#props.image(),
      maxTasks: this.#props.environment.pipeline.maxTasks,
    });
  }

  #declareProducer(prefix: string): LambdaFunction {
    const { environment, config } = this.#props;
    const { backbone, stores, alarms } = this;
    const { function: producer } = new SenpuFunction(this, "producer", {
      code: "producer",
      description: "splits a plan into messages",
      timeoutMs: PRODUCER_TIMEOUT_MS,
      memoryMb: PRODUCER_MEMORY_MB,
      // A plan that is missing or broken is tried twice more, then lies there, and an alarm rings.
      deadLetterQueue: backbone.queue(UNDELIVERED_QUEUE),
      architecture: "arm64",
      variables: {
        ...this.#parts.variables,
        SENPU_STATE: "/tmp/senpu",
        ...(environment.ledger === null
          ? { SENPU_LEDGER: "none" }
          : { SENPU_LEDGER_FUNCTION: ledgerFunctionName(prefix) }),
      },
      logRetentionDays: environment.logs.retentionDays,
    });
    mayPublish(producer, [backbone.topics.calls, backbone.topics.outcomes]);
    mayFind(producer, [
      backbone.queue(LEDGER_QUEUE),
      ...config.lanes.map(({ name }) => backbone.queue(laneQueue(name))),
    ]);
    mayCoordinate(producer, stores.coordination);
    mayKeep(producer, stores.claims);
    mayRead(producer, stores.plans);
    if (environment.ledger !== null) {
      producer.addToRolePolicy(
        new PolicyStatement({
          actions: ["lambda:InvokeFunction"],
          resources: [
            this.formatArn({
              service: "lambda",
              resource: "function",
              resourceName: ledgerFunctionName(prefix),
              arnFormat: ArnFormat.COLON_RESOURCE_NAME,
            }),
          ],
        }),
      );
    }
    if (environment.ledger !== null) this.#letWait(producer);
    alarms.onFailures(producer, "producer");
    acknowledge(this, {
      [`AwsSolutions-IAM5[Resource::<${this.getLogicalId(producer.node.defaultChild as CfnElement)}.Arn>:*]`]:
        "the scheduler may call this one function, in any version",
    });
    new Schedules(this, "schedules", {
      prefix,
      producer,
      plansBucket: stores.plans.bucketName,
      schedules: environment.pipeline.schedules,
      deadLetterQueue: backbone.queue(UNDELIVERED_QUEUE),
      alarms,
    });
    return producer;
  }

  /** Runs that wait for the one before: their event comes again each minute, as a new message, until it is their turn. */
  #letWait(producer: LambdaFunction): void {
    this.backbone.declareQueues([
      {
        name: WAITING_QUEUE,
        visibilitySeconds: (VISIBILITY_FACTOR * PRODUCER_TIMEOUT_MS) / 1_000,
        retentionSeconds: SOURCE_RETENTION_SECONDS,
        redrive: { queue: UNDELIVERED_QUEUE, maxReceives: LANE_MAX_RECEIVES },
      },
    ]);
    const waiting = this.backbone.queue(WAITING_QUEUE);
    maySend(producer, [waiting]);
    producer.addEventSource(new SqsEventSource(waiting, { batchSize: 1, maxConcurrency: 2 }));
    acknowledge(producer, {
      "Serverless-LambdaEventSourceMappingDestination":
        "for SQS that is the queue's dead-letter queue",
    });
  }
}
