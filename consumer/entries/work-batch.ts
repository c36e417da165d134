import { setTimeout as sleep } from "node:timers/promises";
import type { AnswerStore } from "../../shared/answers/answer-store.ts";
import type { Broker, Delivery } from "../../shared/broker/broker.ts";
import type { ClaimStore } from "../../shared/claims/claim-store.ts";
import type { Coordination, LaneLimit } from "../../shared/coordination/coordination.ts";
import { messageOf } from "../../shared/errors.ts";
import { log } from "../../shared/lambda/log.ts";
import { isUnsafe } from "../../shared/model/call.ts";
import type { AccessBook } from "../auth/access-book.ts";
import { LaneWorker } from "../receive/lane-worker.ts";
import { RunWatch } from "../receive/run-watch.ts";
import { Total } from "../receive/total.ts";
import type { Meter } from "../settle/meter.ts";
import type { Tally } from "../settle/settler.ts";
import { neededMs, reserveMs } from "./time-left.ts";

export interface BatchWork {
  readonly broker: Broker;
  readonly coordination: Coordination;
  readonly claims: ClaimStore;
  readonly answers: AnswerStore;
  /** Credentials of calls, which outlive the batch. */
  readonly accesses: AccessBook;
  readonly limit: LaneLimit;
  /** The cap over all lanes; absent: none. */
  readonly totalLimit?: LaneLimit | undefined;
  /** Unique among living workers. */
  readonly worker: string;
  /** Counts what is done. Absent: nobody does. */
  readonly meter?: Meter;
  /** When Lambda ends the function, epoch milliseconds. */
  readonly endsAt: number;
}

export interface BatchResult {
  readonly tally: Tally;
  /** Receipts of deliveries with calls that could be neither finished nor put back. */
  readonly held: readonly string[];
}

/**
 * Left at the very end, so that the answer still leaves: of what is kept for telling, and at the most. Who is late loses all
 * of the batch, and its environment with it.
 */
const ANSWER_SHARE = 1 / 3;
const MAX_ANSWER_MS = 250;

/**
 * Works off one batch of a lane, within the function's time.
 *
 * States: working, until all is done or so little time is left that no call could be started → closing: what was not
 * started, or waits to be tried again, is put back, what is in flight ends or is given up → over. Nothing runs on
 * afterwards, since Lambda stops an environment's clock between two events; connections are closed for the same reason.
 * Throws when no delivery could be taken on.
 */
export async function workBatch(
  work: BatchWork,
  deliveries: readonly Delivery[],
): Promise<BatchResult> {
  const { endsAt, coordination } = work;
  const startedAt = Date.now();
  const reserve = reserveMs(endsAt - startedAt);
  const workEndsAt = endsAt - reserve;
  const answersAt = endsAt - Math.min(MAX_ANSWER_MS, reserve * ANSWER_SHARE);
  const workMs = Math.max(0, workEndsAt - startedAt);
  const finished = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const watch = new RunWatch(coordination, failed.reject);
  // Batches of other lanes in the same function have totals of their own.
  const worker = `${work.worker} ${work.limit.lane}`;
  const total = new Total({ coordination, worker, onFailed: failed.reject });
  total.setLimit(work.totalLimit);
  const left: string[] = [];
  const lane = new LaneWorker({
    ...work,
    watch,
    total,
    onFailed: failed.reject,
    onFinished: finished.resolve,
    onLeft: (receipt) => left.push(receipt),
    countsCuts: true,
    hasTime: (call, { policy }, inMs) => {
      const unsafe = isUnsafe(call.method ?? "GET");
      const leftMs = workEndsAt - Date.now() - inMs;
      return leftMs >= neededMs(call.timeoutMs ?? policy.timeoutMs, unsafe, workMs);
    },
  });
  const timers = new AbortController();
  const until = (at: number): Promise<void> =>
    sleep(Math.max(0, at - Date.now()), undefined, { signal: timers.signal }).catch(() => {});
  let isOpen = false;
  const opening = lane.open(deliveries).then(() => void (isOpen = true));
  try {
    await Promise.race([opening, until(answersAt), failed.promise]);
    if (!isOpen) throw new Error("the function's time was up before its messages were taken on");
    if (lane.chunks.isEmpty) finished.resolve();
    const nothingFitsAt = workEndsAt - neededMs(lane.chunks.shortestMs, false, workMs);
    await Promise.race([finished.promise, until(nothingFitsAt), failed.promise]);
    const stopped = lane.stop(Math.max(0, workEndsAt - Date.now())).then(() => total.close());
    stopped.catch(failed.reject);
    await Promise.race([stopped, until(answersAt), failed.promise]);
  } catch (error) {
    lane.stop(0, opening).catch(() => {});
    // A message that was not taken on is not among what is held, and must not count as done.
    const { succeeded, failed: gone, putBack } = lane.tally;
    if (!isOpen || succeeded + gone + putBack === 0) throw error;
    log("error", `not all of the batch could be worked on: ${messageOf(error)}`);
  } finally {
    timers.abort();
    watch.close();
  }
  return { tally: lane.tally, held: [...lane.chunks.receipts, ...left] };
}
