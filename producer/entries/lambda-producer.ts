import type { LambdaContext } from "../../shared/lambda/context.ts";
import { log } from "../../shared/lambda/log.ts";
import { readProducerEvent } from "../../shared/lambda/producer-event.ts";
import { openProducerStores } from "../../shared/lambda/stores.ts";
import type { Session } from "../../shared/session.ts";
import { publishRun } from "./publish-run.ts";
import type { Published } from "./publish-run.ts";
import { readOrdered } from "./read-ordered.ts";

/** Opened by the first event, and kept while Lambda keeps the environment. */
let opened: Promise<Session> | undefined;

/** Left of the function's time when publishing stops: what is under way is accepted by then, and the run is marked. */
const RESERVE_SHARE = 0.1;
const MIN_RESERVE_MS = 500;
const MAX_RESERVE_MS = 5_000;

/**
 * The producer as a Lambda function behind a schedule.
 *
 * In: which plan. Out: its calls on the calls topic, as a run whose id comes from the schedule's time, where there is
 * none from the plan's object in S3, or else from the invocation: fired twice, or retried by Lambda, it is the same run, and what is there is left or
 * gone on with. Throws when time was up before all was published; the same event once more goes on.
 */
export async function handler(event: unknown, context: LambdaContext): Promise<Published> {
  const order = readProducerEvent(event);
  opened ??= openProducerStores();
  // A start that failed is tried again by the next event.
  opened.catch(() => (opened = undefined));
  const stores = await opened;
  const leftMs = context.getRemainingTimeInMillis();
  const reserveMs = Math.min(MAX_RESERVE_MS, Math.max(MIN_RESERVE_MS, leftMs * RESERVE_SHARE));
  const signal = AbortSignal.timeout(Math.max(0, Math.floor(leftMs - reserveMs)));
  const ordered = await readOrdered(order, stores.folder.spool, context.awsRequestId);
  try {
    const published = await publishRun({ ...ordered, session: stores, signal });
    log("info", JSON.stringify(published));
    return published;
  } finally {
    await ordered.remove();
  }
}
