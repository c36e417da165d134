import type { Delivery } from "../../shared/broker/broker.ts";
import { LEDGER_DEAD_QUEUE } from "../../shared/broker/broker.ts";
import { messageOf } from "../../shared/errors.ts";
import type { LambdaContext } from "../../shared/lambda/context.ts";
import { log } from "../../shared/lambda/log.ts";
import { readSqsEvent, toDelivery } from "../../shared/lambda/sqs-event.ts";
import type { BatchResponse } from "../../shared/lambda/sqs-event.ts";
import { openRecorderStores } from "../../shared/lambda/stores.ts";
import type { RecorderStores } from "../../shared/lambda/stores.ts";
import { deadLetter, intoBatches } from "../record/batch.ts";
import { Committer } from "../record/committer.ts";
import { lookRound } from "../record/keep-house.ts";
import { Outbox } from "../record/outbox.ts";

interface Recorder {
  readonly stores: RecorderStores;
  readonly committer: Committer;
}

/** Opened by the first event, and kept while Lambda keeps the environment. */
let recorder: Promise<Recorder> | undefined;

/** Left of the function's time when no further transaction is begun. */
const RESERVE_MS = 300;

/**
 * The recorder as a Lambda function behind the ledger queue.
 *
 * In: an SQS batch. Out: rows in the ledger; messages whose transaction failed, or was not begun in time, are reported
 * as batch item failures. A schedule's `{"task": "housekeeping"}` looks into the lanes' `dead` queues and `unrouted`
 * once instead, as the local recorder does every few seconds. Both tell what the ledger's outbox holds, as far as time
 * allows; commands of a plan are refused here.
 */
export async function handler(event: unknown, context: LambdaContext): Promise<BatchResponse> {
  const isHousekeeping = (event as { task?: unknown } | null)?.task === "housekeeping";
  const records = isHousekeeping ? [] : readSqsEvent(event);
  recorder ??= open();
  // A start that failed is tried again by the next event.
  recorder.catch(() => (recorder = undefined));
  const opened = await recorder;
  if (isHousekeeping) {
    const leftMs = Math.max(0, context.getRemainingTimeInMillis() - RESERVE_MS);
    await lookRound({
      ...opened.stores,
      committer: opened.committer,
      signal: AbortSignal.timeout(leftMs),
    });
    await tellEnds(opened, context);
    return { batchItemFailures: [] };
  }
  const ids = new Map(records.map(({ receiptHandle, messageId }) => [receiptHandle, messageId]));
  const failed = await record(opened, records.map(toDelivery), context);
  await tellEnds(opened, context);
  return {
    batchItemFailures: failed.map(({ receipt }) => ({ itemIdentifier: ids.get(receipt) ?? "" })),
  };
}

async function open(): Promise<Recorder> {
  const stores = await openRecorderStores();
  await stores.broker.ensure([]);
  const committer = new Committer(stores.ledger, stores.coordination);
  await committer.catchUp();
  return { stores, committer };
}

/** Returns what is to come again. Lambda removes the rest. */
async function record(
  { stores, committer }: Recorder,
  deliveries: readonly Delivery[],
  context: LambdaContext,
): Promise<Delivery[]> {
  const failed: Delivery[] = [];
  for (const batch of intoBatches(deliveries)) {
    try {
      if (context.getRemainingTimeInMillis() < RESERVE_MS) throw new Error("time is up");
      if (batch.records.length > 0) await committer.commit(batch.records);
      // Nobody conducts a run here: what is recorded is its sign of life.
      const runs = new Set(batch.records.map(({ run }) => run));
      for (const run of runs) await stores.ledger.beat(run, Date.now());
      const letters = batch.unreadable.map(({ delivery, reason }) => deadLetter(delivery, reason));
      if (letters.length > 0) await stores.broker.send(LEDGER_DEAD_QUEUE, letters);
    } catch (error) {
      failed.push(...batch.deliveries);
      // An invocation that did nothing counts as an error, which an alarm can be set on.
      if (failed.length === deliveries.length) throw error;
      log("error", `${batch.deliveries.length} messages were not recorded: ${messageOf(error)}`);
    }
  }
  return failed;
}

/** What is not told in time stays for the next event, and fails none: its messages are recorded. */
async function tellEnds({ stores }: Recorder, context: LambdaContext): Promise<void> {
  const { broker, ledger, coordination } = stores;
  const leftMs = context.getRemainingTimeInMillis() - RESERVE_MS;
  if (leftMs <= 0) return;
  const say = (line: string): void => log("warn", line);
  const outbox = new Outbox({ broker, ledger, coordination, say });
  const timer = setTimeout(() => outbox.cut(), leftMs);
  try {
    await outbox.finish();
  } catch (error) {
    log("error", `what ended could not be told of: ${messageOf(error)}`);
  } finally {
    clearTimeout(timer);
  }
}
