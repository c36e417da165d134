import { Duration } from "aws-cdk-lib";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import type { LaneConfig } from "../../shared/config/config.ts";
import type { LambdaWorker as LambdaSettings } from "../../shared/config/lambda-worker.ts";
import { deadQueue, laneQueue } from "../../shared/broker/broker.ts";
import { grantWorker } from "./worker-parts.ts";
import type { WorkerParts } from "./worker-parts.ts";
import { SenpuFunction } from "./senpu-function.ts";

/** A lane's worker as a function behind its queue; in no VPC, so that it is there and gone in seconds (L2). */
export class LambdaWorker extends Construct {
  readonly function: SenpuFunction["function"];

  constructor(
    scope: Construct,
    id: string,
    props: WorkerParts & { readonly lane: LaneConfig; readonly settings: LambdaSettings },
  ) {
    super(scope, id);
    const { lane, settings, backbone, variables, logRetentionDays } = props;
    const worker = new SenpuFunction(this, "worker", {
      code: "consumer",
      description: `makes the calls of lane ${lane.name}`,
      timeoutMs: settings.timeoutMs,
      memoryMb: settings.memoryMb,
      architecture: settings.architecture,
      variables: { ...variables, SENPU_STATE: "/tmp/senpu" },
      logRetentionDays,
    });
    this.function = worker.function;
    grantWorker(worker.function, lane, props);
    worker.function.addEventSource(
      new SqsEventSource(backbone.queue(laneQueue(lane.name)), {
        batchSize: settings.batchSize,
        ...(settings.windowMs > 0 ? { maxBatchingWindow: Duration.millis(settings.windowMs) } : {}),
        maxConcurrency: settings.maxConcurrency,
        reportBatchItemFailures: true,
      }),
    );
    acknowledge(worker, {
      "Serverless-LambdaEventSourceMappingDestination":
        "for SQS that is the queue's dead-letter queue",
    });
    // What nobody can read goes there with the reason.
    worker.node.addDependency(backbone.queue(deadQueue(lane.name)));
  }
}
