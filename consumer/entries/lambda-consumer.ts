import { DEFAULT_CONCURRENCY, TOTAL } from "../../shared/model/lane.ts";
import { laneOfQueue } from "../../shared/broker/topology.ts";
import type { LaneLimit } from "../../shared/coordination/coordination.ts";
import { SenpuError } from "../../shared/errors.ts";
import type { LambdaContext } from "../../shared/lambda/context.ts";
import { log, startFunctionLog } from "../../shared/lambda/log.ts";
import { queueOf, readSqsEvent, toDelivery } from "../../shared/lambda/sqs-event.ts";
import type { BatchResponse, SqsRecord } from "../../shared/lambda/sqs-event.ts";
import { openWorkerStores } from "../../shared/lambda/worker-stores.ts";
import type { WorkerStores } from "../../shared/lambda/worker-stores.ts";
import { AccessBook } from "../auth/access-book.ts";
import { writeMetrics } from "../../shared/lambda/metrics.ts";
import { BatchMetrics } from "./batch-metrics.ts";
import { workBatch } from "./work-batch.ts";

/** Opened by the first event, and kept while Lambda keeps the environment. */
let stores: Promise<WorkerStores> | undefined;
/** The same: a token serves all events until it expires. */
let accesses: AccessBook | undefined;

/**
 * The consumer as a Lambda function behind a lane's queue.
 *
 * In: an SQS batch. Out: calls made, or put back when the function's time ends; what could be neither is reported as
 * a batch item failure (the event source mapping must have `ReportBatchItemFailures`).
 * Messages that are done with are removed here, like a poller's: what follows a crash later on does not bring them again.
 */
export async function handler(event: unknown, context: LambdaContext): Promise<BatchResponse> {
  const endsAt = Date.now() + context.getRemainingTimeInMillis();
  const records = readSqsEvent(event);
  if (stores === undefined) startFunctionLog();
  stores ??= openWorkerStores();
  // A start that failed is tried again by the next event.
  stores.catch(() => (stores = undefined));
  accesses ??= new AccessBook();
  const book = accesses;
  const { broker, coordination, claims, answers, prefix } = await stores;
  const lanes = Map.groupBy(records, (record) => laneOf(record, prefix));
  await broker.ensure([...lanes.keys()]);
  const limits = new Map((await coordination.lanes()).map((limit) => [limit.lane, limit]));
  const totalLimit = limits.get(TOTAL);
  const held = await Promise.all(
    [...lanes].map(async ([lane, batch]) => {
      const limit: LaneLimit = limits.get(lane) ?? { lane, concurrency: DEFAULT_CONCURRENCY };
      const worker = `lambda ${context.logStreamName}`;
      const meter = new BatchMetrics();
      const stores = { broker, coordination, claims, answers, accesses: book };
      const work = { ...stores, limit, totalLimit, worker, endsAt, meter };
      const result = await workBatch(work, batch.map(toDelivery));
      const { putBack } = result.tally;
      writeMetrics(() =>
        meter.line({ deployment: prefix, lane, messages: batch.length, putBack }, Date.now()),
      );
      log("info", JSON.stringify({ lane, messages: batch.length, ...result.tally }));
      return result.held;
    }),
  );
  const failed = new Set(held.flat());
  return {
    batchItemFailures: records
      .filter(({ receiptHandle }) => failed.has(receiptHandle))
      .map(({ messageId }) => ({ itemIdentifier: messageId })),
  };
}

function laneOf(record: SqsRecord, prefix: string): string {
  const queue = queueOf(record);
  const lane = queue.startsWith(`${prefix}-`)
    ? laneOfQueue(queue.slice(prefix.length + 1))
    : undefined;
  if (lane !== undefined) return lane;
  throw new SenpuError(
    "message",
    `the event comes from queue ${queue}; the consumer works lane queues, which are named ${prefix}-lane-<lane>`,
  );
}
