import { Duration } from "aws-cdk-lib";
import { AdjustmentType } from "aws-cdk-lib/aws-applicationautoscaling";
import type { ScalingInterval } from "aws-cdk-lib/aws-applicationautoscaling";
import { MathExpression } from "aws-cdk-lib/aws-cloudwatch";
import type { IMetric } from "aws-cdk-lib/aws-cloudwatch";
import {
  CpuArchitecture,
  FargateService,
  FargateTaskDefinition,
  LogDriver,
  OperatingSystemFamily,
} from "aws-cdk-lib/aws-ecs";
import type { ContainerImage } from "aws-cdk-lib/aws-ecs";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import { laneQueue } from "../../shared/broker/broker.ts";
import type { LaneConfig } from "../../shared/config/config.ts";
import type { FargateWorker as FargateSettings } from "../../shared/config/fargate-worker.ts";
import type { FargateNetwork } from "./fargate-network.ts";
import { makeLog } from "./log.ts";
import { grantWorker } from "./worker-parts.ts";
import type { WorkerParts } from "./worker-parts.ts";

export interface FargateWorkerProps extends WorkerParts {
  readonly lane: LaneConfig;
  readonly settings: FargateSettings;
  readonly network: FargateNetwork;
  readonly image: ContainerImage;
  /** The most tasks that the environment allows. */
  readonly maxTasks: number;
}

/** For telling that it is about to end, before AWS kills it. */
const MARGIN_SECONDS = 5;
/** Source: Application Auto Scaling API reference, StepScalingPolicyConfiguration: steps of a policy. */
const MAX_STEPS = 20;
const SCALE_EVERY = Duration.minutes(1);

/** A lane's worker as containers that poll its queue: as many as the backlog asks for, none when there is nothing to do. */
export class FargateWorker extends Construct {
  readonly service: FargateService;

  constructor(scope: Construct, id: string, props: FargateWorkerProps) {
    super(scope, id);
    const { lane, settings, network, backbone } = props;
    const graceSeconds = settings.graceMs / 1_000;
    const task = this.#defineTask(props, graceSeconds);
    grantWorker(task.taskRole, lane, props);
    this.service = new FargateService(this, "service", {
      cluster: network.cluster,
      taskDefinition: task,
      desiredCount: settings.minTasks,
      // A public address is the way out without NAT; the security group lets nobody in.
      assignPublicIp: true,
      securityGroups: [network.securityGroup],
      minHealthyPercent: 0,
      maxHealthyPercent: 200,
      circuitBreaker: { enable: true, rollback: true },
      capacityProviderStrategies: [
        { capacityProvider: settings.spot ? "FARGATE_SPOT" : "FARGATE", weight: 1 },
      ],
    });
    this.#scale(settings, backbone.queue(laneQueue(lane.name)), props.maxTasks);
  }

  #defineTask(props: FargateWorkerProps, graceSeconds: number): FargateTaskDefinition {
    const { lane, settings, image, variables, logRetentionDays } = props;
    const task = new FargateTaskDefinition(this, "task", {
      cpu: settings.cpuUnits,
      memoryLimitMiB: settings.memoryMb,
      runtimePlatform: {
        cpuArchitecture:
          settings.architecture === "arm64" ? CpuArchitecture.ARM64 : CpuArchitecture.X86_64,
        operatingSystemFamily: OperatingSystemFamily.LINUX,
      },
      volumes: [{ name: "state" }],
    });
    const logGroup = makeLog(this, logRetentionDays);
    const container = task.addContainer("worker", {
      image,
      command: ["worker", "--grace", `${graceSeconds - MARGIN_SECONDS}s`, "--state", STATE],
      environment: { ...variables, SENPU_LANES: lane.name },
      logging: LogDriver.awsLogs({ streamPrefix: lane.name, logGroup }),
      readonlyRootFilesystem: true,
      stopTimeout: Duration.seconds(graceSeconds),
    });
    acknowledge(task.obtainExecutionRole(), {
      "AwsSolutions-IAM5[Resource::*]": "ecr:GetAuthorizationToken takes no resource",
    });
    acknowledge(task, {
      "AwsSolutions-ECS2":
        "names of queues and tables are no secrets; secrets are fetched by name when a call is made",
    });
    container.addMountPoints({ containerPath: STATE, sourceVolume: "state", readOnly: false });
    return task;
  }

  /** Steps to a number of tasks, and not by one: from none, a share of the backlog for each task is not to be reckoned. */
  #scale(
    { minTasks, maxTasks, backlogPerTask }: FargateSettings,
    queue: Queue,
    most: number,
  ): void {
    const scaling = this.service.autoScaleTaskCount({
      minCapacity: minTasks,
      maxCapacity: Math.min(maxTasks, most),
    });
    scaling.scaleOnMetric("backlog", {
      metric: backlogOf(queue),
      adjustmentType: AdjustmentType.EXACT_CAPACITY,
      cooldown: SCALE_EVERY,
      evaluationPeriods: 1,
      scalingSteps: stepsOf(minTasks, Math.min(maxTasks, most), backlogPerTask),
    });
  }
}

const STATE = "/var/senpu";

/** What waits, and what a task has taken: so that none is ended over its last messages. */
function backlogOf(queue: Queue): IMetric {
  const period = Duration.minutes(1);
  return new MathExpression({
    expression: "waiting + taken",
    label: "messages that wait or are worked on",
    period,
    usingMetrics: {
      waiting: queue.metricApproximateNumberOfMessagesVisible({ period, statistic: "Maximum" }),
      taken: queue.metricApproximateNumberOfMessagesNotVisible({ period, statistic: "Maximum" }),
    },
  });
}

/** For a backlog from `lower` on, so many tasks; where there may be many, by ever larger steps. */
function stepsOf(minTasks: number, maxTasks: number, backlogPerTask: number): ScalingInterval[] {
  const counts: number[] = [];
  const growth = Math.max(1, maxTasks ** (1 / (MAX_STEPS - 2)));
  for (let tasks = Math.max(1, minTasks); tasks < maxTasks;) {
    counts.push(tasks);
    tasks = Math.max(tasks + 1, Math.ceil(tasks * growth));
  }
  counts.push(maxTasks);
  const lowerOf = (index: number): number =>
    index === 0 ? 1 : (counts[index - 1] as number) * backlogPerTask + 1;
  return [
    { upper: 1, change: minTasks },
    ...counts.map((tasks, index) => ({
      lower: lowerOf(index),
      ...(index + 1 < counts.length ? { upper: lowerOf(index + 1) } : {}),
      change: tasks,
    })),
  ];
}
