import { setTimeout as sleep } from "node:timers/promises";
import pRetry from "p-retry";
import { ClaimLostError } from "../../shared/claims/claim-store.ts";
import { SenpuError, messageOf } from "../../shared/errors.ts";
import { log as logLine } from "../../shared/lambda/log.ts";
import { log } from "../../shared/log/log.ts";
import type { Call } from "../../shared/model/call.ts";
import { MissingSecretError } from "../../shared/secrets/secrets.ts";
import { wasRefused } from "../auth/was-refused.ts";
import type { Lack } from "../auth/credentials.ts";
import type { Reason } from "../../shared/model/outcome.ts";
import { withAnswer } from "../answer/answer-reader.ts";
import type { CallTask } from "../receive/chunk.ts";
import { callFields, endFields } from "../settle/log-fields.ts";
import type { Attempt } from "./attempt.ts";
import { failed, succeeded } from "./concluded.ts";
import { countAndDelay } from "./count-and-delay.ts";
import type { ExecutorHost } from "./executor-host.ts";
import type { HttpClient } from "./http-client.ts";
import { judge } from "./judge.ts";
import { provide } from "./provide.ts";
import { buildRequest } from "./request.ts";
import type { Grant, HttpRequest } from "./request.ts";
import { Concluded, Expired, PutBack, Refused, TryAgain } from "./retry-signals.ts";
import type { Tried } from "./retry-signals.ts";

/** Waits longer than this are spent in the queue, not here. */
const DEFER_AFTER_MS = 5000;
/** After a claim store could not be reached, its calls come again so much later, and up to as much again. */
const CLAIMS_PAUSE_MS = 5000;

const EXPIRED = "its deadline has passed";

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
    const { access, message } = task.chunk;
    const lack = access?.lack(message.policy, Date.now());
    if (lack !== undefined) {
      this.#host.give(task);
      this.refuse(task, lack);
    } else if (task.call.claim === undefined) this.#begin(task, task.call, access?.grant);
    else void this.#fetch(task);
  }

  /** Sees off a call, which holds no slot, that cannot be given what it needs: it fails, or comes again later. */
  refuse(task: CallTask, lack: Lack): void {
    if (lack.kind === "never") {
      this.#fail(task, lack.reason, lack.error);
      return;
    }
    const { at = Date.now(), error = EXPIRED } = lack.kind === "later" ? lack : {};
    if (at <= task.chunk.message.policy.deadlineAt) this.#host.putBack(task, at);
    else this.#fail(task, "expired", error);
  }

  /** A call too large for a message holds its slot while its body is read; no other waits for it. */
  async #fetch(task: CallTask): Promise<void> {
    let call: Call;
    let grant: Grant | undefined;
    try {
      call = await this.#host.whole(task);
      grant = await task.chunk.access?.load(call);
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
    this.#begin(task, call, grant);
  }

  /** What is lost stays so; a store that cannot be reached may be later, or for another worker. */
  #endWithoutBody(task: CallTask, error: unknown): void {
    if (error instanceof ClaimLostError || error instanceof MissingSecretError) {
      this.#fail(task, "invalid", error.message);
    } else if (!(error instanceof SenpuError)) this.#host.failed(error);
    else {
      if (!this.#claimsAreOut) logLine("warn", `${error.message}; calls that need it wait`);
      this.#claimsAreOut = true;
      const due = Date.now() + CLAIMS_PAUSE_MS * (1 + Math.random());
      if (due > task.chunk.message.policy.deadlineAt) this.#fail(task, "expired", error.message);
      else this.#host.putBack(task, due);
    }
  }

  #begin(task: CallTask, call: Call, grant: Grant | undefined): void {
    let request: HttpRequest;
    try {
      request = this.#build(task, call, grant);
    } catch (error) {
      this.#host.give(task);
      this.#fail(task, "invalid", messageOf(error));
      return;
    }
    this.#attempt(task, request, (attempt) => {
      this.#host.over(task, attempt);
      const isRefused = grant !== undefined && wasRefused(task, request, attempt);
      if (isRefused || !this.#conclude(task, attempt)) {
        void this.#retry(task, call, { request, attempt, isRefused });
      }
    });
  }

  #build({ chunk }: CallTask, call: Call, grant: Grant | undefined): HttpRequest {
    const { run, policy } = chunk.message;
    return buildRequest(call, run, policy, chunk.headers(grant), grant);
  }

  /** Ends a call that was never, or not again, attempted. */
  expire(task: CallTask): void {
    this.#fail(task, "expired", EXPIRED);
  }

  #attempt(task: CallTask, request: HttpRequest, onOver: (attempt: Attempt) => void): void {
    const sign = request.grant?.credentials?.sign;
    if (sign === undefined) this.#send(task, request, onOver);
    else {
      const send = (signed: HttpRequest): void => this.#send(task, signed, onOver);
      sign(request).then(send, (error: unknown) => this.#host.failed(error));
    }
  }

  #send(task: CallTask, request: HttpRequest, onOver: (attempt: Attempt) => void): void {
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
    const outcome =
      verdict === "succeeded"
        ? succeeded(task, attempt)
        : failed(task, attempt, verdict, this.#clean(task, attempt.error));
    const { kept } = attempt;
    if (kept === undefined) this.#host.settle(task, outcome);
    else this.#host.settle(task, withAnswer(outcome, kept), kept.staged);
    return true;
  }

  async #retry(task: CallTask, call: Call, first: Tried): Promise<void> {
    const { chunk } = task;
    const { access } = chunk;
    const { policy } = chunk.message;
    try {
      await pRetry(
        async (round) => {
          if (round === 1) throw new TryAgain(first);
          if (access !== undefined) {
            await provide(access, policy, this.#host.stopping, DEFER_AFTER_MS);
          }
          const answer = await this.#host.slot(task, first.request.origin);
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
          const request =
            access === undefined ? first.request : this.#build(task, call, await access.load(call));
          const attempt = await new Promise<Attempt>((resolve) =>
            this.#attempt(task, request, resolve),
          );
          this.#host.over(task, attempt);
          const isRefused = access !== undefined && wasRefused(task, request, attempt);
          if (isRefused || !this.#conclude(task, attempt)) {
            throw new TryAgain({ request, attempt, isRefused });
          }
        },
        {
          // `judge` counts failures over all deliveries; the delay is our own.
          retries: Infinity,
          minTimeout: 0,
          maxTimeout: 0,
          onFailedAttempt: async ({ error }) => {
            if (!(error instanceof TryAgain)) throw error;
            const { request, attempt, isRefused } = error.tried;
            if (isRefused && access !== undefined) {
              await provide(access, policy, this.#host.stopping, DEFER_AFTER_MS);
              if (access.isNewer(request.grant ?? {})) {
                // It was a try, and no failure of the call's.
                task.failures ??= [task.attempts - 1];
                chunk.noteAttempts(task);
                return;
              }
              if (this.#conclude(task, attempt)) throw new Concluded();
            }
            const delayMs = countAndDelay(attempt, task);
            chunk.noteAttempts(task);
            log.debug?.(
              { ...callFields(task), delayMs, ...endFields(attempt) },
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
      else if (error instanceof Refused) this.refuse(task, error.lack);
      else if (!(error instanceof Concluded)) this.#host.failed(error);
    }
  }

  /** The text without a secret: a host's name, for instance, may be one. */
  #clean({ chunk }: CallTask, text: string | undefined): string | undefined {
    return text === undefined ? undefined : (chunk.access?.redact(text) ?? text);
  }

  #fail(task: CallTask, reason: Reason, error: string): void {
    this.#host.settle(task, {
      id: task.call.id,
      state: "failed",
      reason,
      attempts: task.attempts,
      ...(task.startedAt === 0 ? {} : { startedAt: task.startedAt }),
      settledAt: Date.now(),
      error: this.#clean(task, error) ?? error,
    });
  }
}
