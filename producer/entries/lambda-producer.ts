import type { LambdaContext } from "../../shared/lambda/context.ts";
import { log } from "../../shared/lambda/log.ts";
import { readProducerEvent } from "../../shared/lambda/producer-event.ts";
import type { ProducerOrder } from "../../shared/lambda/producer-event.ts";
import { openProducerStores } from "../../shared/lambda/producer-stores.ts";
import type { ProducerStores } from "../../shared/lambda/producer-stores.ts";
import { readWaiting } from "../../shared/lambda/sqs-event.ts";
import { inTurn } from "./in-turn.ts";
import { publishRun } from "./publish-run.ts";
import { publishUnrecorded } from "./publish-unrecorded.ts";
import type { Published } from "./published.ts";
import { readOrdered } from "./read-ordered.ts";
import type { OrderedPlan } from "./read-ordered.ts";
import { recordBroken } from "./record-broken.ts";

/** Opened by the first event, and kept while Lambda keeps the environment. */
let opened: Promise<ProducerStores> | undefined;

/** Left of the function's time when publishing stops: what is under way is accepted by then, and the run is marked. */
const RESERVE_SHARE = 0.1;
const MIN_RESERVE_MS = 500;
const MAX_RESERVE_MS = 5_000;

/**
 * The producer as a Lambda function behind a schedule.
 *
 * In: which plan; or the same from the queue where runs wait for the one before. Out: its calls on the calls topic, as a run
 * whose id comes from the schedule's time, where there is none from the plan's object in S3, or else from the invocation:
 * fired twice, or retried by Lambda, it is the same run, and what is there is left or gone on with. A schedule's overlap
 * policy is held here, and its broken plan becomes a cancelled run, where there is a ledger (`shared/lambda/producer-stores.ts`).
 * Throws when time was up before all was published; the same event once more goes on.
 */
export async function handler(event: unknown, context: LambdaContext): Promise<Published> {
  const given = readWaiting(event) ?? event;
  const order = readProducerEvent(given);
  opened ??= openProducerStores();
  // A start that failed is tried again by the next event.
  opened.catch(() => (opened = undefined));
  const stores = await opened;
  const leftMs = context.getRemainingTimeInMillis();
  const reserveMs = Math.min(MAX_RESERVE_MS, Math.max(MIN_RESERVE_MS, leftMs * RESERVE_SHARE));
  const signal = AbortSignal.timeout(Math.max(0, Math.floor(leftMs - reserveMs)));
  const ordered = await readOr(stores, order, context.awsRequestId);
  if ("state" in ordered) return told(ordered);
  const { plan, run } = ordered;
  try {
    const turn = { session: stores, order, event: given, run };
    const published = await inTurn(turn, () => {
      const { ledger, ...session } = stores;
      return ledger === undefined
        ? publishUnrecorded({ session, plan, run, signal })
        : publishRun({ session: { ...session, ledger }, plan, run, signal });
    });
    return told(published);
  } finally {
    await ordered.remove();
  }
}

async function readOr(
  { folder, ledger }: ProducerStores,
  order: ProducerOrder,
  requestId: string,
): Promise<OrderedPlan | Published> {
  try {
    return await readOrdered(order, folder.spool, requestId);
  } catch (error) {
    const ended = ledger === undefined ? undefined : await recordBroken(ledger, order, error);
    if (ended === undefined) throw error;
    return ended;
  }
}

function told(published: Published): Published {
  log("info", JSON.stringify(published));
  return published;
}
