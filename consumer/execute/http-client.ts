import { Pool } from "undici";
import type { Dispatcher } from "undici";
import { Attempt } from "./attempt.ts";
import { redirected } from "./redirect.ts";
import type { HttpRequest } from "./request.ts";
import type { Route } from "./route.ts";

/** Pools kept at once; beyond, the one longest unused goes. A text file of URLs may name ten thousand hosts. */
const MAX_POOLS = 256;
/** How often attempts are checked for their time, at the most. */
const SWEEP_MS = 50;
/** A connection that is not there by then is a network error: nothing was sent, so any call may be tried again. */
export const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Makes attempts: one undici pool an origin, and one clock for all timeouts.
 *
 * undici's own timers and retries are off: an attempt's time is counted from its start to its last byte, to within
 * 50 ms or a twentieth of it, by one sweep over what is in flight rather than timers for each call.
 */
export class HttpClient {
  readonly #pools = new Map<string, Dispatcher>();
  readonly #inFlight = new Set<Attempt>();
  #sweep: NodeJS.Timeout | undefined;
  #sweepMs = Infinity;

  /**
   * Starts an attempt, following up to `redirects` of GET and HEAD within the same time; then the last answer counts.
   * `onOver` is called once; before this returns only for a request that cannot be made.
   */
  start(
    request: HttpRequest,
    timeoutMs: number,
    redirects: number,
    onOver: (attempt: Attempt) => void,
  ): void {
    const startedAt = performance.now();
    this.#sweepEvery(Math.max(2, Math.min(SWEEP_MS, timeoutMs / 20)));
    this.#dispatch(request, request.origin, startedAt, startedAt + timeoutMs, redirects, onOver);
  }

  /** Attempts in flight of calls to this origin, wherever redirects have led them. */
  inFlight(origin: string): number {
    let count = 0;
    for (const attempt of this.#inFlight) if (attempt.origin === origin) count++;
    return count;
  }

  #dispatch(
    request: HttpRequest,
    origin: string,
    startedAt: number,
    expiresAt: number,
    redirects: number,
    onOver: (attempt: Attempt) => void,
  ): void {
    const attempt = new Attempt(origin, startedAt, expiresAt, (over) => {
      this.#inFlight.delete(over);
      const next = redirects > 0 && over.location !== undefined ? redirected(request, over) : null;
      if (next !== null) {
        this.#dispatch(next, origin, startedAt, expiresAt, redirects - 1, onOver);
        return;
      }
      if (this.#inFlight.size === 0) this.#stopSweep();
      onOver(over);
    });
    this.#inFlight.add(attempt);
    this.#pool(request.origin, request.grant?.route).dispatch(
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
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()));
    this.#pools.clear();
  }

  #pool(origin: string, route: Route | undefined): Dispatcher {
    const key = route === undefined ? origin : `${origin} ${route.key}`;
    const known = this.#pools.get(key);
    if (known !== undefined) return known;
    if (this.#pools.size >= MAX_POOLS) this.#retireOldest();
    const pool = route?.open(origin) ?? openPool(origin);
    this.#pools.set(key, pool);
    return pool;
  }

  /** Closing lets a pool's requests finish. */
  #retireOldest(): void {
    const oldest = this.#pools.entries().next().value;
    if (oldest === undefined) return;
    this.#pools.delete(oldest[0]);
    void oldest[1].close().catch(() => {});
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

/** The connections of one origin. */
export function openPool(origin: string): Pool {
  return new Pool(origin, {
    // As many connections as there are slots in use: who starts attempts sees to the limit.
    pipelining: 1,
    // A slot is a connection: what is counted here is what the server sees.
    allowH2: false,
    connectTimeout: CONNECT_TIMEOUT_MS,
  });
}
