import type { LookupFunction } from "node:net";
import type { Dispatcher } from "undici";
import Pool from "undici/lib/dispatcher/pool.js";
import { Guard } from "../../shared/guard/guard.ts";
import type { Route } from "./route.ts";

/** Pools kept at once; beyond, the one longest open goes. A text file of URLs may name ten thousand hosts. */
const MAX_POOLS = 256;
/** A connection that is not there by then is a network error: nothing was sent, so any call may be tried again. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Of an answer's status line and headers, or of its trailers; beyond, the connection is closed: a network error. */
const MAX_HEADER_BYTES = 65_536;
/** Allow lists known at once: runs at once have few, and what is forgotten is made anew. */
const MAX_LISTS = 64;

/**
 * The connections of a lane's worker.
 *
 * A connection was judged by the allow list of the run that opened it, and serves only calls with the same: runs share
 * pools where their lists are alike.
 */
export class Pools {
  readonly #resolve: LookupFunction | undefined;
  readonly #byAllow = new Map<string, GuardedPools>();
  readonly #open = new Set<OpenPool>();

  /** `resolve`: in place of `dns.lookup`. */
  constructor(resolve?: LookupFunction) {
    this.#resolve = resolve;
  }

  /** Once a message; entries hold no line breaks. */
  of(allow: readonly string[]): GuardedPools {
    const key = allow.join("\n");
    const known = this.#byAllow.get(key);
    if (known !== undefined) return known;
    const [oldest] = this.#byAllow.keys();
    if (this.#byAllow.size >= MAX_LISTS && oldest !== undefined) this.#byAllow.delete(oldest);
    const pools = new GuardedPools(new Guard(allow, this.#resolve), (open) => this.#keep(open));
    this.#byAllow.set(key, pools);
    return pools;
  }

  /** Ends connections, and with them whatever is still in flight. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map(({ pool }) => pool.destroy()));
    for (const { owner, key } of this.#open) owner.forget(key);
    this.#open.clear();
  }

  /** Closing lets a pool's requests finish. */
  #keep(open: OpenPool): void {
    const [oldest] = this.#open;
    if (this.#open.size >= MAX_POOLS && oldest !== undefined) {
      this.#open.delete(oldest);
      oldest.owner.forget(oldest.key);
      void oldest.pool.close().catch(() => {});
    }
    this.#open.add(open);
  }
}

interface OpenPool {
  readonly owner: GuardedPools;
  readonly key: string;
  readonly pool: Dispatcher;
}

/**
 * Pools behind one guard: one an origin, and one more for each route to it. A name that a proxy resolves is judged by what
 * it leads to here, before the first call; what the proxy makes of it is out of the guard's sight.
 */
export class GuardedPools {
  readonly #guard: Guard;
  readonly #onOpen: (open: OpenPool) => void;
  readonly #pools = new Map<string, Dispatcher>();

  constructor(guard: Guard, onOpen: (open: OpenPool) => void) {
    this.#guard = guard;
    this.#onOpen = onOpen;
  }

  get(origin: string, route?: Route): Dispatcher {
    const key = route === undefined ? origin : `${origin} ${route.key}`;
    return this.#pools.get(key) ?? this.#openPool(key, origin, route);
  }

  forget(key: string): void {
    this.#pools.delete(key);
  }

  #openPool(key: string, origin: string, route: Route | undefined): Dispatcher {
    const { lookup } = this.#guard;
    const { hostname } = new URL(origin);
    const blocked = this.#guard.judge(hostname);
    const options = {
      // As many connections as there are slots in use: who starts attempts sees to the limit.
      pipelining: 1,
      // A slot is a connection: what is counted here is what the server sees.
      allowH2: false,
      maxHeaderSize: MAX_HEADER_BYTES,
      connectTimeout: CONNECT_TIMEOUT_MS,
      // Names are judged where they are resolved; what is written as an address is not resolved, and judged here.
      connect: { lookup },
    };
    const pool =
      blocked !== undefined
        ? new Pool(origin, { ...options, connect: refuseBy(blocked) })
        : route === undefined
          ? new Pool(origin, options)
          : this.#behindProxy(route.open(options), key, hostname);
    this.#pools.set(key, pool);
    this.#onOpen({ owner: this, key, pool });
    return pool;
  }

  /** Calls wait until the name has been judged. Of one that may not be called, the next asks anew. */
  #behindProxy(proxy: Dispatcher, key: string, hostname: string): Dispatcher {
    let refusal: Error | null | undefined;
    const judged = this.#guard.checkBehindProxy(hostname).then(
      () => (refusal = null),
      (error: Error) => {
        this.#pools.delete(key);
        return (refusal = error);
      },
    );
    return proxy.compose((dispatch) => (options, handler) => {
      if (refusal === null) return dispatch(options, handler);
      void judged.then((found) =>
        found === null
          ? dispatch(options, handler)
          : handler.onResponseError?.(null as never, found),
      );
      return true;
    });
  }
}

function refuseBy(error: Error): () => never {
  return () => {
    throw error;
  };
}
