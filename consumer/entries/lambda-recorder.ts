import type { Delivery } from "../../shared/broker/broker.ts";
import { LEDGER_DEAD_QUEUE } from "../../shared/broker/broker.ts";
import { messageOf } from "../../shared/errors.ts";
import type { LambdaContext } from "../../shared/lambda/context.ts";
import { log } from "../../shared/lambda/log.ts";
import { readSqsEvent, toDelivery } from "../../shared/lambda/sqs-event.ts";
import type { BatchResponse } from "../../shared/lambda/sqs-event.ts";
import { openLedgerStores } from "../../shared/lambda/stores.ts";
import type { Session } from "../../shared/session.ts";
import { deadLetter, intoBatches } from "../record/batch.ts";
import { Committer } from "../record/committer.ts";
import { lookRound } from "../record/keep-house.ts";

interface Recorder {
  readonly stores: Session;
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
 * once instead, as the local recorder does every few seconds.
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
    return { batchItemFailures: [] };
  }
  const ids = new Map(records.map(({ receiptHandle, messageId }) => [receiptHandle, messageId]));
  const failed = await record(opened, records.map(toDelivery), context);
  return {
    batchItemFailures: failed.map(({ receipt }) => ({ itemIdentifier: ids.get(receipt) ?? "" })),
  };
}

async function open(): Promise<Recorder> {
  const stores = openLedgerStores();
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
