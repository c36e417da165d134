import type { LambdaWorker } from "../../shared/config/lambda-worker.ts";
import { PRODUCER_MOST_MS } from "../../shared/cost/run-cost.ts";
import { formatDuration } from "../../shared/duration.ts";
import { leastFunctionMs } from "../../shared/lambda/function-time.ts";
import { CHUNK_MAX_BYTES, SQS_MAX_IN_FLIGHT } from "../../shared/limits.ts";
import { formatForecast, formatQuantity } from "../../shared/terminal/format.ts";
import type { DeployedLane } from "./deployed.ts";
import type { Forecast } from "./forecast.ts";
import type { Survey } from "../plan/survey.ts";

/** Quotas and settings that would bite on AWS. Pure. */

export interface Finding {
  /** Null: of all lanes together. */
  readonly lane: string | null;
  /** What, why, and what would be right, in one sentence or two. */
  readonly text: string;
}

/** Concurrent executions of an account's functions. Source: Lambda quotas; new accounts have less. */
const ACCOUNT_CONCURRENCY = 1_000;
/** Workers that lease slots of one lane each second: more, and DynamoDB's writes to one item do not suffice. */
const MOST_WORKERS = 100;
/** Calls in flight that a function of the default size is made for. */
const CALLS_A_FUNCTION = 64;
/** Of a lane, that wait in its queue whatever happens (`producer/publish/window.ts`). */
const OUTSTANDING_BYTES = 4_000_000;

export function findQuotas(
  survey: Survey,
  lanes: readonly DeployedLane[],
  told: Forecast,
): Finding[] {
  const findings = lanes.flatMap((lane) => {
    const texts = [...checkTimes(survey, lane), ...checkWorkers(lane), ...checkSizes(lane)];
    return texts.map((text) => ({ lane: lane.survey.lane, text }));
  });
  const together = [...checkAccount(lanes), ...checkProducer(lanes, told)];
  return [...findings, ...together.map((text) => ({ lane: null, text }))];
}

function checkTimes(
  { deadlineMs }: Survey,
  { survey, config, isDeclared }: DeployedLane,
): string[] {
  const texts: string[] = [];
  if (!isDeclared) {
    texts.push(
      "senpu.config.yaml does not declare it, so it can run here only; on AWS its calls are taken to be like those of a lane without settings",
    );
  }
  const { worker, queue, timeoutMs } = config;
  if (survey.timeoutMs > timeoutMs) {
    const call = formatDuration(survey.timeoutMs);
    if (worker.kind === "fargate") {
      texts.push(
        `a call may take ${call}, and its tasks have ${formatDuration(worker.graceMs)} to end: one that is ended sooner is made again. Set the lane's timeout to ${call}`,
      );
    } else if (worker.timeoutMs < leastFunctionMs(survey.timeoutMs)) {
      texts.push(
        `a call may take ${call}, and its function has ${formatDuration(worker.timeoutMs)} (visibility ${formatDuration(queue.visibilitySeconds * 1_000)}): longer ones are given up early. Set the lane's timeout to ${call}, or the plan's to ${formatDuration(timeoutMs)}`,
      );
    }
  }
  if (deadlineMs > queue.retentionSeconds * 1_000) {
    texts.push(
      `its queue forgets a message after ${formatDuration(queue.retentionSeconds * 1_000)}, before the plan's deadline of ${formatDuration(deadlineMs)}. Set the lane's retention to more`,
    );
  }
  return texts;
}

function checkWorkers({ survey, config }: DeployedLane): string[] {
  const { worker } = config;
  const texts: string[] = [];
  const workers = worker.kind === "lambda" ? worker.maxConcurrency : worker.maxTasks;
  if (workers > MOST_WORKERS && survey.messages > MOST_WORKERS) {
    texts.push(
      `${workers} workers share its slots; beyond ${MOST_WORKERS}, DynamoDB cannot keep up with their leases`,
    );
  }
  if (worker.kind !== "lambda") return texts;
  if (survey.concurrency > worker.maxConcurrency * CALLS_A_FUNCTION) {
    texts.push(
      `${survey.concurrency} calls in flight are more than ${worker.maxConcurrency} functions are made for (${CALLS_A_FUNCTION} each). Raise maxConcurrency or memory`,
    );
  }
  if (survey.concurrency === 1) {
    texts.push(
      `one call at a time is held by coordination, not by maxConcurrency, which is at least 2: the other function waits, and is paid for. A fargate worker with tasks: { max: 1 } costs less on long runs`,
    );
  }
  const inFlight = worker.maxConcurrency * worker.batchSize;
  if (inFlight > SQS_MAX_IN_FLIGHT) {
    texts.push(
      `${worker.maxConcurrency} functions of ${worker.batchSize} messages are ${inFlight} in flight; SQS has at most ${SQS_MAX_IN_FLIGHT} of a queue. Lower batch`,
    );
  }
  return texts;
}

function checkSizes({ survey }: DeployedLane): string[] {
  if (survey.claims === 0) return [];
  const isOne = survey.claims === 1;
  return [
    `${formatQuantity(survey.claims, "call")} ${isOne ? "is" : "are"} larger than SNS lets a message be (${CHUNK_MAX_BYTES.toLocaleString("en")} bytes, with room for the rest): ${isOne ? "its body goes" : "their bodies go"} by S3, a read more for each attempt`,
  ];
}

function checkAccount(lanes: readonly DeployedLane[]): string[] {
  const functions = lanes
    .map(({ config }) => config.worker)
    .filter((worker): worker is LambdaWorker => worker.kind === "lambda")
    .reduce((sum, { maxConcurrency }) => sum + maxConcurrency, 0);
  if (functions <= ACCOUNT_CONCURRENCY) return [];
  return [
    `${functions} functions at once are more than an account's ${ACCOUNT_CONCURRENCY}: the rest is throttled, and each throttle counts as a receive. Ask for more, or lower maxConcurrency`,
  ];
}

/** What does not fit into the lane's queue at once waits for the producer, whose time is short on AWS. */
function checkProducer(lanes: readonly DeployedLane[], told: Forecast): string[] {
  const waitingMs = Math.max(
    0,
    ...lanes.map(({ survey, forecast }) =>
      survey.bytes <= OUTSTANDING_BYTES
        ? 0
        : forecast.durationMs * (1 - OUTSTANDING_BYTES / survey.bytes),
    ),
  );
  if (waitingMs <= PRODUCER_MOST_MS || told.durationMs === 0) return [];
  return [
    `as a scheduled run, the producer function would need ${formatForecast(waitingMs)} until all is published, and has three times 15 minutes: split the plan, or go on with senpu resume`,
  ];
}
