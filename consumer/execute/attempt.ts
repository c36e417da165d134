import type { Dispatcher } from "undici";
import { BlockedError } from "../../shared/guard/guard.ts";
import type { ReadAnswer } from "../answer/answer-reader.ts";
import type { AttemptEnd, NoAnswer } from "./judge.ts";

/** Read of an answer's body, which nobody keeps. */
const MAX_BODY_BYTES = 67_108_864;

/**
 * One HTTP try: undici's handler and its own result, so that a call costs one object and no stream or promise.
 *
 * States: waiting for a connection → sent (`onRequestStart`) → answered (`onResponseStart`) → over, exactly once, by
 * the last byte, an error, or `expire`. The body is read to its end, so that the connection can be used again, or as far
 * as a body may be: then the connection is closed, and the answer counts by its status.
 */
export class Attempt implements Dispatcher.DispatchHandler {
  /** Of the call's URL, wherever redirects have led. */
  readonly origin: string;
  /** On `performance.now()`'s clock. */
  readonly startedAt: number;
  /** When time is up, on `performance.now()`'s clock. */
  readonly expiresAt: number;
  /** Null until it is over. */
  end: AttemptEnd | null = null;
  /** Its worker ended first, and not its time: that is no failure of the call's. */
  isCut = false;
  latencyMs = 0;
  /** On `performance.now()`'s clock, where that is before it is over; else 0. */
  protected lastByteAt = 0;
  retryAfter: string | undefined;
  location: string | undefined;
  /** One line, when there was no answer, or not the one that was expected. */
  error: string | undefined;
  /** The status says success, and the body is not what was expected. */
  isUnmet = false;
  /** What was kept of the answer; absent where nothing was asked for. */
  kept: ReadAnswer | undefined;

  readonly #onOver: (attempt: Attempt) => void;
  #controller: Dispatcher.DispatchController | null = null;
  readonly #maxBodyBytes: number;
  #bodyBytes = 0;
  #status = 0;

  constructor(
    origin: string,
    startedAt: number,
    expiresAt: number,
    onOver: (attempt: Attempt) => void,
    maxBodyBytes = MAX_BODY_BYTES,
  ) {
    this.origin = origin;
    this.startedAt = startedAt;
    this.expiresAt = expiresAt;
    this.#maxBodyBytes = maxBodyBytes;
    this.#onOver = onOver;
  }

  /** Gives up waiting. What has not been sent yet will not be. `when`: if not for its own time, as its error says. */
  expire(when = `within ${Math.round(this.expiresAt - this.startedAt)} ms`): void {
    if (this.end !== null) return;
    this.error = `no ${this.#controller === null ? "connection" : "full answer"} ${when}`;
    this.#finish({ kind: "timeout", sent: this.#controller !== null });
    this.#controller?.abort(new Error(this.error));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.end !== null) {
      controller.abort(new Error("expired before it was sent"));
      return;
    }
    this.#controller = controller;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    // 1xx come before the answer.
    if (statusCode < 200) return;
    this.#status = statusCode;
    if (statusCode >= 300) {
      this.retryAfter = single(headers["retry-after"]);
      this.location = single(headers["location"]);
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bodyBytes += chunk.length;
    if (this.#bodyBytes <= this.#maxBodyBytes) return;
    this.#finish({ kind: "answer", status: this.#status });
    controller.abort(new Error("the answer's body is too large"));
  }

  onResponseEnd(): void {
    const answer = { kind: "answer", status: this.#status } as const;
    this.#finish(this.isUnmet ? { ...answer, unmet: true } : answer);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.end !== null) return;
    const inner = innermost(error);
    this.error = describe(inner);
    if (inner instanceof BlockedError) this.#finish({ kind: "blocked", sent: false });
    else if (inner.code === "UND_ERR_INVALID_ARG") this.#finish({ kind: "invalid" });
    else this.#finish({ kind: kindOf(inner), sent: this.#controller !== null });
  }

  #finish(end: AttemptEnd): void {
    if (this.end !== null) return;
    this.end = end;
    this.latencyMs = (this.lastByteAt || performance.now()) - this.startedAt;
    this.#onOver(this);
  }
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

/** Several addresses tried at once come as one AggregateError. */
export function innermost(error: NodeJS.ErrnoException): NodeJS.ErrnoException {
  return error instanceof AggregateError && error.message === ""
    ? (error.errors[0] as NodeJS.ErrnoException)
    : error;
}

/** A connection that the other side has ended; undici says `UND_ERR_SOCKET` where it did so in good order. */
const RESETS: ReadonlySet<string | undefined> = new Set([
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "UND_ERR_SOCKET",
]);

export function kindOf({ code, syscall }: NodeJS.ErrnoException): NoAnswer {
  if (code === "ECONNREFUSED") return "refused";
  if (syscall === "getaddrinfo") return "dns";
  return RESETS.has(code) ? "reset" : "network";
}

/** One line for a person. */
export function describe({ code, message }: NodeJS.ErrnoException): string {
  const text = message.replaceAll(/\s+/g, " ");
  return code !== undefined && !text.includes(code) ? `${text} (${code})` : text;
}
