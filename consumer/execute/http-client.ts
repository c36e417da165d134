import type { LookupFunction } from "node:net";
import { Bag } from "../../shared/bag.ts";
import type { AnswerReader } from "../answer/answer-reader.ts";
import { Attempt } from "./attempt.ts";
import { Pools } from "./pools.ts";
import type { GuardedPools } from "./pools.ts";
import { ReadingAttempt } from "./reading-attempt.ts";
import { redirected } from "./redirect.ts";
import type { HttpRequest } from "./request.ts";

/** How often attempts are checked for their time, at the most. */
const SWEEP_MS = 50;

export interface HttpClientOptions {
  /** Resolves names in place of `dns.lookup`. */
  readonly resolve?: LookupFunction;
  /** Read of an answer's body; then its connection is closed, and it counts by its status. Default: 64 MiB. */
  readonly maxBodyBytes?: number;
}

/**
 * Makes attempts: over guarded connections, and with one clock for all timeouts.
 *
 * undici's own timers and retries are off: an attempt's time is counted from its start to its last byte, to within
 * 50 ms or a twentieth of it, by one sweep over what is in flight rather than timers for each call.
 */
export class HttpClient {
  readonly #pools: Pools;
  readonly #maxBodyBytes: number | undefined;
  readonly #inFlight = new Bag<Attempt>();
  #sweep: NodeJS.Timeout | undefined;
  #sweepMs = Infinity;

  constructor({ resolve, maxBodyBytes }: HttpClientOptions = {}) {
    this.#pools = new Pools(resolve);
    this.#maxBodyBytes = maxBodyBytes;
  }

  /** What calls of a run with this allow list are made over. */
  pools(allow: readonly string[]): GuardedPools {
    return this.#pools.of(allow);
  }

  /**
   * Starts an attempt, following up to `redirects` of GET and HEAD within the same time; then the last answer counts.
   * `onOver` is called once; before this returns only for a request that cannot be made. `read`: of answers that are
   * more than counted, a reader each.
   */
  start(
    request: HttpRequest,
    pools: GuardedPools,
    timeoutMs: number,
    redirects: number,
    onOver: (attempt: Attempt) => void,
    read?: () => AnswerReader,
  ): void {
    const startedAt = performance.now();
    this.#sweepEvery(Math.max(2, Math.min(SWEEP_MS, timeoutMs / 20)));
    const expiresAt = startedAt + timeoutMs;
    this.#dispatch(request, pools, request, startedAt, expiresAt, redirects, onOver, read);
  }

  /** Attempts in flight of calls to this origin, wherever redirects have led them. */
  inFlight(origin: string): number {
    let count = 0;
    for (const attempt of this.#inFlight) if (attempt.origin === origin) count++;
    return count;
  }

  #dispatch(
    request: HttpRequest,
    pools: GuardedPools,
    first: HttpRequest,
    startedAt: number,
    expiresAt: number,
    redirects: number,
    onOver: (attempt: Attempt) => void,
    read: (() => AnswerReader) | undefined,
  ): void {
    const finish = (over: Attempt): void => {
      this.#inFlight.delete(over);
      const next = redirects > 0 && over.location !== undefined ? redirected(request, over) : null;
      if (next !== null) {
        this.#dispatch(next, pools, first, startedAt, expiresAt, redirects - 1, onOver, read);
        return;
      }
      if (over.end?.kind === "blocked" && request !== first) {
        over.end = { kind: "blocked", sent: true };
        over.error = `redirected to ${request.origin}: ${over.error}`;
      }
      if (this.#inFlight.size === 0) this.#stopSweep();
      onOver(over);
    };
    const attempt =
      read === undefined
        ? new Attempt(first.origin, startedAt, expiresAt, finish, this.#maxBodyBytes)
        : new ReadingAttempt(first.origin, startedAt, expiresAt, finish, read());
    this.#inFlight.add(attempt);
    pools.get(request.origin, request.grant?.route).dispatch(
      {
        origin: request.origin,
        path: request.path,
        method: request.method,
        headers: request.headers as string[],
        body: request.body,
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      attempt,
    );
  }

  /**
   * Whoever makes these attempts has no more time: all in flight are over now, as if their own time were up; `isCut`:
   * but for what that says of the call.
   */
  giveUp(isCut: boolean): void {
    for (const attempt of this.#inFlight) {
      attempt.isCut = isCut;
      attempt.expire("before its worker had to end");
    }
  }

  /** Ends connections, and with them whatever is still in flight. */
  async close(): Promise<void> {
    this.#stopSweep();
    await this.#pools.close();
  }

  #sweepEvery(ms: number): void {
    if (ms >= this.#sweepMs) return;
    this.#stopSweep();
    this.#sweepMs = ms;
    this.#sweep = setInterval(() => {
      const now = performance.now();
      for (const attempt of this.#inFlight) if (attempt.expiresAt <= now) attempt.expire();
    }, ms);
  }

  #stopSweep(): void {
    clearInterval(this.#sweep);
    this.#sweepMs = Infinity;
  }
}
