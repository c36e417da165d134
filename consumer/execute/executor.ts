import { setTimeout as sleep } from "node:timers/promises";
import pRetry from "p-retry";
import { messageOf } from "../../shared/errors.ts";
import type { Outcome, Reason } from "../../shared/model/outcome.ts";
import type { CallTask } from "../receive/chunk.ts";
import type { Attempt } from "./attempt.ts";
import { parseRetryAfter, retryDelayMs } from "./delay.ts";
import type { HttpClient } from "./http-client.ts";
import { judge } from "./judge.ts";
import type { HttpRequest } from "./request.ts";
import { buildRequest } from "./request.ts";

/** Waits longer than this are spent in the queue, not here. */
const DEFER_AFTER_MS = 5000;

/** Where calls come from and go to, as far as executing them is concerned. */
export interface ExecutorHost {
  /** Resolves with a slot taken; rejects once the worker stops. */
  slot(): Promise<void>;
  /** Gives a slot back. */
  give(): void;
  /** May the call still be made? */
  allows(task: CallTask): boolean;
  /** Is there time for an attempt that starts in so many milliseconds? */
  hasTime(task: CallTask, inMs: number): boolean;
  settle(task: CallTask, outcome: Outcome): void;
  putBack(task: CallTask, notBefore: number): void;
  drop(task: CallTask): void;
  /** The worker cannot go on. */
  failed(error: unknown): void;
  /** Aborted when the worker stops: waits end, and their calls are put back. */
  readonly stopping: AbortSignal;
}

/**
 * Makes one call to its end: attempts, waits between them, judges each.
 *
 * In: a task with a slot taken. Out: settled, put back or dropped, exactly once; the slot given back after each attempt.
 * The first attempt, which is nearly always the last, runs on callbacks; p-retry is entered only after it has failed.
 */
export class Executor {
  readonly #http: HttpClient;
  readonly #host: ExecutorHost;

  constructor(http: HttpClient, host: ExecutorHost) {
    this.#http = http;
    this.#host = host;
  }

  start(task: CallTask): void {
    const { chunk, call } = task;
    let request: HttpRequest;
    try {
      request = buildRequest(
        call,
        chunk.message.run,
        chunk.message.policy,
        chunk.headers,
        chunk.hasReferences,
      );
    } catch (error) {
      this.#host.give();
      this.#fail(task, "invalid", messageOf(error));
      return;
    }
    this.#attempt(task, request, (attempt) => {
      this.#host.give();
      if (!this.#conclude(task, attempt)) void this.#retry(task, request, attempt);
    });
  }

  /** Ends a call that was never, or not again, attempted. */
  expire(task: CallTask): void {
    this.#fail(task, "expired", "its deadline has passed");
  }

  #attempt(task: CallTask, request: HttpRequest, onOver: (attempt: Attempt) => void): void {
    const { policy } = task.chunk.message;
    if (task.startedAt === 0) task.startedAt = Date.now();
    this.#http.start(
      request,
      task.call.timeoutMs ?? policy.timeoutMs,
      policy.redirects,
      (attempt) => {
        task.attempts++;
        onOver(attempt);
      },
    );
  }

  /** Settles the call if this attempt was its last; false: it is to be tried again. */
  #conclude(task: CallTask, attempt: Attempt): boolean {
    const { end } = attempt;
    if (end === null) throw new Error("an attempt that is not over cannot be judged");
    const verdict = judge(end, task.call.method ?? "GET", task.attempts, task.chunk.message.policy);
    if (verdict === "retry") return false;
    const status = end.kind === "answer" ? end.status : undefined;
    const measured = {
      id: task.call.id,
      ...(status === undefined ? {} : { status }),
      attempts: task.attempts,
      startedAt: task.startedAt,
      settledAt: Date.now(),
      latencyMs: Math.round(attempt.latencyMs * 10) / 10,
    };
    const outcome: Outcome =
      verdict === "succeeded"
        ? { ...measured, state: "succeeded" }
        : {
            ...measured,
            state: "failed",
            reason: verdict,
            error: attempt.error ?? `HTTP ${status}`,
          };
    this.#host.settle(task, outcome);
    return true;
  }

  async #retry(task: CallTask, request: HttpRequest, first: Attempt): Promise<void> {
    const { policy } = task.chunk.message;
    try {
      await pRetry(
        async (round) => {
          if (round === 1) throw new TryAgain(first);
          await this.#host.slot().catch(() => {
            throw new PutBack(Date.now());
          });
          if (!this.#host.allows(task)) {
            this.#host.give();
            this.#host.drop(task);
            return;
          }
          if (!this.#host.hasTime(task, 0)) {
            this.#host.give();
            throw new PutBack(Date.now());
          }
          const attempt = await new Promise<Attempt>((resolve) =>
            this.#attempt(task, request, resolve),
          );
          this.#host.give();
          if (!this.#conclude(task, attempt)) throw new TryAgain(attempt);
        },
        {
          // `judge` counts attempts over all deliveries; the delay is our own.
          retries: Infinity,
          minTimeout: 0,
          maxTimeout: 0,
          onFailedAttempt: async ({ error }) => {
            if (!(error instanceof TryAgain)) throw error;
            task.chunk.noteAttempts(task.index, task.attempts);
            const delayMs = delayAfter(error.attempt, task);
            const due = Date.now() + delayMs;
            if (due > policy.deadlineAt) throw new Expired();
            if (delayMs > DEFER_AFTER_MS || !this.#host.hasTime(task, delayMs)) {
              throw new PutBack(due);
            }
            await sleep(delayMs, undefined, { signal: this.#host.stopping }).catch(() => {
              throw new PutBack(due);
            });
          },
        },
      );
    } catch (error) {
      if (error instanceof Expired) this.expire(task);
      else if (error instanceof PutBack) this.#host.putBack(task, error.due);
      else this.#host.failed(error);
    }
  }

  #fail(task: CallTask, reason: Reason, error: string): void {
    this.#host.settle(task, {
      id: task.call.id,
      state: "failed",
      reason,
      attempts: task.attempts,
      ...(task.startedAt === 0 ? {} : { startedAt: task.startedAt }),
      settledAt: Date.now(),
      error,
    });
  }
}

function delayAfter(attempt: Attempt, task: CallTask): number {
  const retryAfterMs = parseRetryAfter(attempt.retryAfter, Date.now());
  return retryDelayMs(
    task.chunk.message.policy.retry.backoff,
    task.attempts,
    retryAfterMs,
    Math.random(),
  );
}

/** This attempt failed in a way that another may mend. */
class TryAgain extends Error {
  readonly attempt: Attempt;
  constructor(attempt: Attempt) {
    super("try again");
    this.attempt = attempt;
  }
}

/** The wait is too long for this worker, or the worker stops. */
class PutBack extends Error {
  readonly due: number;
  constructor(due: number) {
    super("put back");
    this.due = due;
  }
}

class Expired extends Error {}
