import { Bill } from "./bill.ts";
import type { CostItem } from "./bill.ts";
import type { Prices } from "./prices.ts";
import { countPublishes, countQueueRequests } from "./requests.ts";
import type { LaneVolume, RunVolume } from "./run-volume.ts";
import { addCoordination, addWorkers, workersOf } from "./worker-cost.ts";

/** One outcome in a message, its id included. */
const OUTCOME_BYTES = 75;
/** Frame of a message. */
const FRAME_BYTES = 300;
/** A worker tells outcomes so often while there are any (`consumer/settle/settler.ts`). */
const FLUSH_MS = 200;
const FLUSH_COUNT = 2_000;
/** Request line, headers and TLS of one attempt, beside what the plan says. */
const ATTEMPT_BYTES = 600;
/** START, END and REPORT of one invocation. */
const LOG_BYTES = 450;

/** The producer function as it is deployed: 1 GB, and Lambda tries it three times for 15 minutes each. */
const PRODUCER_GB = 1;
const PRODUCER_TRY_MS = 900_000;
/** How long a producer function may work on one run. */
export const PRODUCER_MOST_MS = 3 * PRODUCER_TRY_MS;

/** The recorder function: half a GB; a batch a second and more, some milliseconds each and 30 µs a record. */
const RECORDER_GB = 0.5;
const RECORDER_BATCH = 100;
const RECORD_BATCH_MS = 40;
const RECORD_MS = 0.03;

/**
 * What a run costs on AWS, by item. A model of what senpu's parts do, from how often they do it; not a bill. What is there
 * whether anything runs or not (a database, a web ACL, alarms) is not in it.
 */
export function costRun({ lanes, durationMs, isRecorded }: RunVolume, prices: Prices): CostItem[] {
  const bill = new Bill(prices);
  const producerMs = Math.min(durationMs, PRODUCER_MOST_MS);
  let invocations = Math.ceil(producerMs / PRODUCER_TRY_MS);
  let publishes = 0;
  let queueRequests = 0;
  let ledgerRequests = 0;
  let ledgerMessages = 0;
  let records = 0;
  let outBytes = 0;
  for (const lane of lanes) {
    if (lane.calls === 0) continue;
    const outcomes = countOutcomeMessages(lane);
    const outcomeBytes = lane.calls * OUTCOME_BYTES + outcomes * FRAME_BYTES;
    publishes += countPublishes(lane.messages, lane.bytes);
    // Outcomes of a flush go out at once, and wait for no others.
    publishes += Math.max(outcomes, countPublishes(outcomes, outcomeBytes));
    queueRequests += countQueueRequests(lane.messages, lane.bytes);
    ledgerRequests +=
      countQueueRequests(lane.messages, lane.bytes) + countQueueRequests(outcomes, outcomeBytes);
    ledgerMessages += lane.messages + outcomes;
    records += 2 * lane.calls;
    outBytes += lane.attempts * (lane.calls * ATTEMPT_BYTES + lane.bytes + lane.claimBytes);
  }
  bill.add("SNS", "calls and outcomes published", "snsPublish", publishes);
  bill.add("SQS", "messages of calls", "sqsRequest", queueRequests);
  for (const lane of lanes) invocations += addWorkers(bill, lane);
  bill.add("Lambda", "producer", "lambdaGbSecondArm64", (PRODUCER_GB * producerMs) / 1_000);
  addCoordination(bill, lanes);
  addClaims(bill, lanes);
  bill.add("data", "requests to the APIs", "transferOutGb", outBytes / 1e9);
  if (isRecorded) {
    bill.add("SQS", "what is recorded", "sqsRequest", ledgerRequests);
    const batches = Math.ceil(
      Math.min(ledgerMessages, Math.max(durationMs / 1_000, ledgerMessages / RECORDER_BATCH)),
    );
    invocations += batches;
    const busyMs = batches * RECORD_BATCH_MS + records * RECORD_MS;
    bill.add("Lambda", "recorder", "lambdaGbSecondArm64", (RECORDER_GB * busyMs) / 1_000);
  }
  bill.add("Lambda", "invocations", "lambdaRequest", invocations);
  bill.add("logs", "of invocations", "logGb", (invocations * LOG_BYTES) / 1e9);
  return [...bill.items];
}

/** Each worker tells what has ended since it last did. */
function countOutcomeMessages(lane: LaneVolume): number {
  const flushes = (workersOf(lane) * lane.durationMs) / FLUSH_MS;
  return Math.ceil(Math.min(lane.calls, Math.max(flushes, lane.calls / FLUSH_COUNT)));
}

/** Written by the producer, read by a worker for each delivery; kept for a month. */
function addClaims(bill: Bill, lanes: readonly LaneVolume[]): void {
  const claims = lanes.reduce((sum, lane) => sum + lane.claims, 0);
  const bytes = lanes.reduce((sum, lane) => sum + lane.claimBytes, 0);
  bill.add("S3", "large calls written", "s3Put", claims);
  bill.add("S3", "large calls read", "s3Get", claims);
  bill.add("S3", "large calls kept for a month", "s3GbMonth", bytes / 1e9);
}
