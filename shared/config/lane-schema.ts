import { z } from "zod";
import {
  DEAD_RETENTION_SECONDS,
  LANE_MAX_RECEIVES,
  LANE_VISIBILITY_SECONDS,
  SOURCE_RETENTION_SECONDS,
} from "../broker/topology.ts";
import { addFault, closedObject, wholeNumber, wholeSeconds } from "../document/scalars.ts";
import { formatDuration } from "../duration.ts";
import { DEFAULT_CONCURRENCY } from "../model/lane.ts";
import type { LaneConfig } from "./config.ts";
import { completeFargate, fargateFault, fargateSchema } from "./fargate-worker.ts";
import type { FargateWorker } from "./fargate-worker.ts";
import { completeLambda, lambdaFault, lambdaSchema } from "./lambda-worker.ts";
import type { LambdaWorker } from "./lambda-worker.ts";
import { laneFields, readLaneFields, timeoutSchema } from "./limits-schema.ts";

/** A lane that is deployed: a plan's fields, and what makes its calls. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Source: SQS quotas, "Visibility timeout". */
const MAX_VISIBILITY_MS = 12 * HOUR_MS;
/** Source: Lambda developer guide, "Using Lambda with Amazon SQS": at least six times the function's, and the window. */
const VISIBILITY_FACTOR = 6;
/** Throttles and restarts count as receives, and must not be what ends in the `dead` queue. */
const MIN_RECEIVES = LANE_MAX_RECEIVES;
/** Source: SQS API reference, RedrivePolicy. */
const MAX_RECEIVES = 1_000;
/** A message that SQS moves keeps its age: a day at least is left of its time in the `dead` queue. */
const MAX_RETENTION_MS = DEAD_RETENTION_SECONDS * 1_000 - DAY_MS;

const WORKER_RIGHT = "lambda, fargate, or an object with one of them and its settings";

const workerSchema = z.union(
  [
    z
      .enum(["lambda", "fargate"], { error: WORKER_RIGHT })
      .transform((kind) => (kind === "lambda" ? lambdaSchema : fargateSchema).parse({})),
    closedObject({
      lambda: lambdaSchema.optional().meta({ description: "A function behind the lane's queue." }),
      fargate: fargateSchema
        .optional()
        .meta({ description: "Containers that poll the lane's queue." }),
    }).transform((written, context) => {
      const { lambda, fargate } = written;
      const one = lambda ?? fargate;
      if (one !== undefined && (lambda === undefined || fargate === undefined)) return one;
      const right = "one of lambda and fargate makes the lane's calls";
      addFault(context, written, [], `${one === undefined ? "is empty" : "has both"}; ${right}`);
      return z.NEVER;
    }),
  ],
  { error: WORKER_RIGHT },
);

const alarms = closedObject({
  oldest: wholeSeconds(MINUTE_MS, MAX_RETENTION_MS).optional().meta({
    description: "The oldest message may wait so long. Default: as the environment says.",
  }),
  failed: wholeNumber(1, 1_000_000)
    .default(1)
    .meta({ description: "So many calls in the lane's failed queue raise the alarm." }),
  dead: wholeNumber(1, 1_000_000)
    .default(1)
    .meta({ description: "So many messages in the lane's dead queue raise the alarm." }),
});

export const laneSchema = closedObject({
  ...laneFields,
  timeout: timeoutSchema.prefault("30s").meta({
    description:
      "The longest that one attempt of this lane takes; the worker's time and the queue's visibility follow from it.",
  }),
  worker: workerSchema
    .prefault("lambda")
    .meta({ description: "What makes the lane's calls on AWS.", examples: ["lambda", "fargate"] }),
  visibility: wholeSeconds(1_000, MAX_VISIBILITY_MS).optional().meta({
    description:
      "The queue's visibility timeout, at most 12h. Default: six times the function's timeout and its window; with fargate, whose tasks renew it, 30s.",
  }),
  maxReceives: wholeNumber(MIN_RECEIVES, MAX_RECEIVES)
    .default(LANE_MAX_RECEIVES)
    .meta({ description: "Receives of a message before SQS moves it to the dead queue." }),
  retention: wholeSeconds(HOUR_MS, MAX_RETENTION_MS)
    .prefault(formatDuration(SOURCE_RETENTION_SECONDS * 1_000))
    .meta({
      description:
        "How long the queue keeps a message, 1h to 13d; at least as long as deadlines of plans.",
    }),
  alarms: alarms.prefault({}).meta({ description: "When somebody should look." }),
}).transform((written, context): Omit<LaneConfig, "name"> => {
  const { timeout, visibility, maxReceives, retention } = written;
  const limits = { concurrency: DEFAULT_CONCURRENCY, ...readLaneFields(written, context) };
  const worker = completeWorker(written, limits.concurrency, context);
  const leastMs =
    worker.kind === "lambda"
      ? worker.timeoutMs * VISIBILITY_FACTOR + worker.windowMs
      : LANE_VISIBILITY_SECONDS * 1_000;
  if (visibility !== undefined && visibility < leastMs) {
    addFault(
      context,
      visibility,
      ["visibility"],
      worker.kind === "lambda"
        ? `${formatDuration(visibility)} is too short for a function of ${formatDuration(worker.timeoutMs)}; at least ${formatDuration(leastMs)}, six times that and its window`
        : `${formatDuration(visibility)} is too short for a task, which renews it every ten seconds; at least ${formatDuration(leastMs)}`,
    );
  }
  const { oldest, failed, dead } = written.alarms;
  return {
    ...limits,
    timeoutMs: timeout,
    queue: {
      visibilitySeconds: (visibility ?? leastMs) / 1_000,
      retentionSeconds: retention / 1_000,
      maxReceives,
    },
    worker,
    alarms: { ...(oldest === undefined ? {} : { oldestMs: oldest }), failed, dead },
  };
});

function completeWorker(
  { worker, timeout }: { readonly worker: z.output<typeof workerSchema>; readonly timeout: number },
  concurrency: number,
  context: { issues: unknown[] },
): LambdaWorker | FargateWorker {
  const lane = { timeoutMs: timeout, concurrency };
  if (worker.kind === "lambda") {
    const fault = lambdaFault(worker, timeout);
    const path = worker.timeout === undefined ? ["timeout"] : ["worker", "lambda", "timeout"];
    if (fault !== undefined) addFault(context, worker, path, fault);
    return completeLambda(worker, lane);
  }
  const fault = fargateFault(worker, timeout);
  if (fault !== undefined) addFault(context, worker, ["worker", "fargate", "grace"], fault);
  return completeFargate(worker, lane);
}
