import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Broker, Delivery } from "../../shared/broker/broker.ts";
import { laneQueue } from "../../shared/broker/broker.ts";
import { DEFAULT_PREFIX } from "../../shared/broker/topology.ts";
import type { EventSourceSummary } from "../../shared/command.ts";
import { toRecord } from "../../shared/lambda/sqs-event.ts";
import type { SqsRecord } from "../../shared/lambda/sqs-event.ts";
import type { EnvironmentPool } from "./environment-pool.ts";
import { doneWith } from "./judge-response.ts";
import type { MappingOptions } from "./mapping-options.ts";

export interface LaneMappingOptions extends MappingOptions {
  readonly broker: Broker;
  readonly lane: string;
  readonly pool: EnvironmentPool;
  /** Added to by all lanes. */
  readonly summary: { -readonly [Figure in keyof EventSourceSummary]: EventSourceSummary[Figure] };
  readonly signal: AbortSignal;
}

/** Lambda's long polls last 20 s; these end by themselves soon after a stop, so that none is broken off with messages in it. */
const LONG_POLL_SECONDS = 1;
/** Batches at once to begin with. Source: Lambda developer guide, "Configuring scaling behavior for SQS event source mappings". */
const FIRST_CONCURRENCY = 5;
/** Up to 300 more a minute, by the same source. */
const ADDED_PER_MS = 300 / 60_000;
/** Source: AWS's advice, "at least six times" the function's timeout, and the window beside it. */
const VISIBILITY_FACTOR = 6;
const THROTTLE_FIRST_MS = 100;
const THROTTLE_MAX_MS = 2_000;

/**
 * One lane's event source mapping: feeds the function from the lane's queue as Lambda would.
 *
 * In: deliveries. Out: events; messages that the function is done with are deleted, the others are left alone until
 * their visibility timeout ends, and once they were received too often the queue itself moves them to `dead`.
 * States: polling ⇄ waiting, with as many batches in process as may be → stopped, once the last of them is over.
 */
export class LaneMapping {
  readonly #options: LaneMappingOptions;
  readonly #visibilitySeconds: number;
  readonly #processing = new Set<Promise<void>>();
  #activeSince: number | undefined;

  constructor(options: LaneMappingOptions) {
    this.#options = options;
    const { timeoutMs, windowMs } = options;
    this.#visibilitySeconds = Math.ceil((timeoutMs * VISIBILITY_FACTOR + windowMs) / 1_000);
  }

  /** Resolves once the signal has ended it. Rejects when the broker cannot be reached. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    const failures: unknown[] = [];
    while (!signal.aborted && failures.length === 0) {
      if (this.#processing.size >= this.#concurrency()) {
        await Promise.race([...this.#processing, sleep(THROTTLE_FIRST_MS)]);
        continue;
      }
      const batch = await this.#gather();
      if (signal.aborted) {
        await this.#handBack(batch);
        break;
      }
      if (batch.length === 0) {
        if (this.#processing.size === 0) this.#activeSince = undefined;
        continue;
      }
      this.#activeSince ??= performance.now();
      const processed: Promise<void> = this.#process(batch)
        .catch((error: unknown) => failures.push(error))
        .then(() => void this.#processing.delete(processed));
      this.#processing.add(processed);
    }
    await Promise.all(this.#processing);
    if (failures.length > 0) throw failures[0];
  }

  /** What a poll brought after the stop is for others. */
  async #handBack(batch: readonly Delivery[]): Promise<void> {
    if (batch.length === 0) return;
    const { broker, lane } = this.#options;
    await broker.release(
      laneQueue(lane),
      batch.map(({ receipt }) => receipt),
    );
  }

  #concurrency(): number {
    const activeMs = this.#activeSince === undefined ? 0 : performance.now() - this.#activeSince;
    return Math.min(
      this.#options.maxConcurrency,
      Math.floor(FIRST_CONCURRENCY + activeMs * ADDED_PER_MS),
    );
  }

  /**
   * A batch leaves when it is full or its window has ended, which begins with its first message; six megabytes, the
   * third reason that Lambda has, are more than ten of senpu's messages come to.
   */
  async #gather(): Promise<Delivery[]> {
    const { batchSize, windowMs, signal } = this.#options;
    const batch = await this.#receive(batchSize);
    const until = performance.now() + windowMs;
    while (batch.length > 0 && batch.length < batchSize && performance.now() < until) {
      if (signal.aborted) break;
      batch.push(...(await this.#receive(batchSize - batch.length)));
    }
    return batch;
  }

  #receive(maxMessages: number): Promise<Delivery[]> {
    const { broker, lane } = this.#options;
    return broker.receive(laneQueue(lane), {
      maxMessages,
      waitSeconds: LONG_POLL_SECONDS,
      visibilitySeconds: this.#visibilitySeconds,
    });
  }

  async #process(batch: readonly Delivery[]): Promise<void> {
    const { broker, lane, pool, summary } = this.#options;
    const receivedAt = Date.now();
    const environment = await this.#takeEnvironment(receivedAt);
    if (environment === undefined) return;
    const records = batch.map((delivery): SqsRecord =>
      toRecord(delivery, {
        messageId: randomUUID(),
        queue: `${DEFAULT_PREFIX}-${laneQueue(lane)}`,
        receivedAt,
      }),
    );
    try {
      const { end } = await environment.invoke({ Records: records });
      summary.invocations++;
      summary.messages += batch.length;
      if (end.kind === "timed out") summary.timeouts++;
      else if (end.kind !== "returned") summary.errors++;
      const done = new Set(
        doneWith(
          end,
          records.map(({ messageId }) => messageId),
        ),
      );
      const receipts = records
        .filter(({ messageId }) => done.has(messageId))
        .map(({ receiptHandle }) => receiptHandle);
      summary.messagesFailed += batch.length - receipts.length;
      if (receipts.length > 0) await broker.remove(laneQueue(lane), receipts);
    } finally {
      pool.give(environment);
      summary.environments = pool.started;
    }
  }

  /**
   * A throttled batch is tried again, ever more slowly, until its visibility timeout ends; then it is let go, and its
   * next receive counts as one more. Source: Lambda developer guide, "Backoff strategy for failed invocations".
   * After function errors there is no backing off, as reported batch item failures switch it off (the same page).
   */
  async #takeEnvironment(receivedAt: number): ReturnType<EnvironmentPool["take"]> {
    const { pool, summary, signal } = this.#options;
    const heldUntil = receivedAt + this.#visibilitySeconds * 1_000;
    for (let delayMs = THROTTLE_FIRST_MS; ; delayMs = Math.min(THROTTLE_MAX_MS, delayMs * 2)) {
      const environment = await pool.take();
      if (environment !== undefined) return environment;
      summary.throttles++;
      if (signal.aborted || Date.now() + delayMs > heldUntil) return undefined;
      await sleep(delayMs, undefined, { signal }).catch(() => {});
    }
  }
}
