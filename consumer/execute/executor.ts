import { setTimeout as sleep } from "node:timers/promises";
import pRetry from "p-retry";
import { ClaimLostError } from "../../shared/claims/claim-store.ts";
import { SenpuError, messageOf } from "../../shared/errors.ts";
import { log as logLine } from "../../shared/lambda/log.ts";
import { log } from "../../shared/log/log.ts";
import type { Call } from "../../shared/model/call.ts";
import type { Outcome, Reason } from "../../shared/model/outcome.ts";
import type { ReadAnswer } from "../answer/answer-reader.ts";
import type { CallTask } from "../receive/chunk.ts";
import { callFields, endFields } from "../settle/log-fields.ts";
import type { Attempt } from "./attempt.ts";
import { budgetOf, countFailure, failuresBefore } from "./budget.ts";
import { parseRetryAfter, retryDelayMs } from "./delay.ts";
import type { ExecutorHost } from "./executor-host.ts";
import type { HttpClient } from "./http-client.ts";
import { judge } from "./judge.ts";
import type { HttpRequest } from "./request.ts";
import { buildRequest } from "./request.ts";

/** Waits longer than this are spent in the queue, not here. */
const DEFER_AFTER_MS = 5000;
/** After a claim store could not be reached, its calls come again so much later, and up to as much again. */
const CLAIMS_PAUSE_MS = 5000;

/**
 * Makes one call to its end: attempts, waits between them, judges each.
 *
 * In: a task with a slot taken. Out: settled, put back or dropped, exactly once; the slot given back after each attempt.
 * The first attempt, which is nearly always the last, runs on callbacks; p-retry is entered only after it has failed.
 */
export class Executor {
  readonly #http: HttpClient;
  readonly #host: ExecutorHost;
  /** Told once, and again when it has been back. */
  #claimsAreOut = false;

  constructor(http: HttpClient, host: ExecutorHost) {
    this.#http = http;
    this.#host = host;
  }

  start(task: CallTask): void {
    if (task.call.claim === undefined) this.#begin(task, task.call, task.chunk.hasReferences);
    else void this.#fetch(task);
  }

  /** A call too large for a message holds its slot while its body is read; no other waits for it. */
  async #fetch(task: CallTask): Promise<void> {
    let call: Call;
    try {
      call = await this.#host.whole(task);
    } catch (error) {
      this.#host.give(task);
      this.#endWithoutBody(task, error);
      return;
    }
    this.#claimsAreOut = false;
    if (this.#host.stopping.aborted || !this.#host.hasTime(task, 0)) {
      this.#host.give(task);
      this.#host.putBack(task, Date.now());
      return;
    }
    // Anything of it may hold a reference.
    this.#begin(task, call, true);
  }

  /** What is lost stays so; a store that cannot be reached may be later, or for another worker. */
  #endWithoutBody(task: CallTask, error: unknown): void {
    if (error instanceof ClaimLostError) this.#fail(task, "invalid", error.message);
    else if (!(error instanceof SenpuError)) this.#host.failed(error);
    else {
      if (!this.#claimsAreOut) logLine("warn", `${error.message}; calls that need it wait`);
      this.#claimsAreOut = true;
      const due = Date.now() + CLAIMS_PAUSE_MS * (1 + Math.random());
      if (due > task.chunk.message.policy.deadlineAt) this.#fail(task, "expired", error.message);
      else this.#host.putBack(task, due);
    }
  }

  #begin(task: CallTask, call: Call, hasReferences: boolean): void {
    const { chunk } = task;
    let request: HttpRequest;
    try {
      request = buildRequest(
        call,
        chunk.message.run,
        chunk.message.policy,
        chunk.headers,
        hasReferences,
      );
    } catch (error) {
      this.#host.give(task);
      this.#fail(task, "invalid", messageOf(error));
      return;
    }
    this.#attempt(task, request, (attempt) => {
      this.#host.over(task, attempt);
      if (!this.#conclude(task, attempt)) void this.#retry(task, request, attempt);
    });
  }

  /** Ends a call that was never, or not again, attempted. */
  expire(task: CallTask): void {
    this.#fail(task, "expired", "its deadline has passed");
  }

  #attempt(task: CallTask, request: HttpRequest, onOver: (attempt: Attempt) => void): void {
    const { chunk } = task;
    const { policy } = chunk.message;
    if (task.startedAt === 0) task.startedAt = Date.now();
    this.#http.start(
      request,
      (chunk.pools ??= this.#http.pools(policy.allow)),
      task.call.timeoutMs ?? policy.timeoutMs,
      policy.redirects,
      (attempt) => {
        // What never left this machine was no try.
        if (attempt.end?.kind !== "blocked" || attempt.end.sent) task.attempts++;
        onOver(attempt);
      },
      policy.answers === undefined ? undefined : this.#host.reading(task, policy.answers),
    );
  }

  /** Settles the call if this attempt was its last, or puts it back; false: it is to be tried again. */
  #conclude(task: CallTask, attempt: Attempt): boolean {
    const { end } = attempt;
    if (end === null) throw new Error("an attempt that is not over cannot be judged");
    const verdict = judge(end, task.call.method ?? "GET", task, task.chunk.message.policy);
    if (attempt.isCut) {
      this.#host.noteCut(verdict === "unknown");
      if (verdict !== "unknown") {
        // It was a try, and no failure.
        task.failures ??= [task.attempts - 1];
        this.#host.putBack(task, Date.now());
        return true;
      }
    }
    if (verdict === "retry") return false;
    if (end.kind === "blocked") {
      this.#fail(task, "blocked", attempt.error ?? "");
      return true;
    }
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
    const { kept } = attempt;
    if (kept === undefined) this.#host.settle(task, outcome);
    else this.#host.settle(task, withAnswer(outcome, kept), kept.staged);
    return true;
  }

  async #retry(task: CallTask, request: HttpRequest, first: Attempt): Promise<void> {
    const { policy } = task.chunk.message;
    try {
      await pRetry(
        async (round) => {
          if (round === 1) throw new TryAgain(first);
          const answer = await this.#host.slot(task, request.origin);
          if (answer === "expired") throw new Expired();
          if (typeof answer === "number") throw new PutBack(answer);
          const allowed = answer === "taken" && this.#host.allows(task);
          if (answer === "taken" && !allowed) this.#host.give(task);
          if (!allowed) {
            this.#host.drop(task);
            return;
          }
          if (!this.#host.hasTime(task, 0)) {
            this.#host.give(task);
            throw new PutBack(Date.now());
          }
          const attempt = await new Promise<Attempt>((resolve) =>
            this.#attempt(task, request, resolve),
          );
          this.#host.over(task, attempt);
          if (!this.#conclude(task, attempt)) throw new TryAgain(attempt);
        },
        {
          // `judge` counts failures over all deliveries; the delay is our own.
          retries: Infinity,
          minTimeout: 0,
          maxTimeout: 0,
          onFailedAttempt: async ({ error }) => {
            if (!(error instanceof TryAgain)) throw error;
            const delayMs = countAndDelay(error.attempt, task);
            task.chunk.noteAttempts(task);
            log.debug?.(
              { ...callFields(task), delayMs, ...endFields(error.attempt) },
              "call tried again",
            );
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

function withAnswer(outcome: Outcome, { answer }: ReadAnswer): Outcome {
  return answer === undefined ? outcome : { ...outcome, answer };
}

/** Counts the failure against its budget; the wait is by that budget's backoff, and grows with its failures only. */
function countAndDelay({ end, retryAfter }: Attempt, task: CallTask): number {
  const { retry } = task.chunk.message.policy;
  const budget = budgetOf(end!, retry);
  const failure = failuresBefore(task, budget) + 1;
  task.failures = countFailure(task, budget);
  const backoff = retry.rules[budget - 1]?.backoff ?? retry.backoff;
  const retryAfterMs = parseRetryAfter(retryAfter, Date.now(), retry.maxRetryAfterMs);
  return retryDelayMs(backoff, failure, retryAfterMs, Math.random());
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
