import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { BEHAVIOURS } from "./misbehaviours.ts";
import type { Behaviour } from "./misbehaviours.ts";

/**
 * A local HTTP server that does what web APIs do at their worst, and keeps a log of what reached it.
 *
 * | path | does |
 * |---|---|
 * | `/ok` | 200 |
 * | `/status/503?retry-after=1` | that status, with Retry-After from 300 on |
 * | `/slow/500` | 200 after so many milliseconds |
 * | `/flaky/<id>?fails=2` | the first so many attempts of the id fail, then 200 |
 * | `/random/<id>?rate=0.1&seed=7` | that share of attempts fails; the same ones for the same seed |
 * | `/hang` | never answers |
 * | `/reset` | the connection is reset before an answer |
 * | `/partial` | headers and some of the body, then the connection is lost |
 * | `/redirect/3` | 302 (`?status=`), so often, then `/ok` |
 * | `/big/1000000` | 200 with so many bytes |
 * | `/drip?bytes=60&every=1000` | 200, a byte each so many milliseconds |
 * | `/close` | 200 with `connection: close` |
 *
 * `flaky` and `random` fail with `?status=503`, or as `?how=hang|reset|partial` says.
 * With each: `?delay=50` waits before anything else; `?id=` names the call, else the path's last part does.
 */
export interface MisbehavingServer {
  /** `http://127.0.0.1:49152`, without a slash at the end. */
  readonly url: string;
  /** All that arrived, oldest first; grows while you look. */
  readonly requests: readonly LoggedRequest[];
  /** Requests of an id, whatever their method. */
  count(id: string): number;
  /** Most requests that were open at one moment. */
  readonly maxConcurrent: number;
  /** Requests whose path begins with `/name` are answered so, from now on. */
  on(name: string, behaviour: Behaviour): void;
  /** Resolves once so many requests have arrived since the start. */
  waitForRequests(count: number): Promise<void>;
  /** Ends the listener and every connection. */
  close(): Promise<void>;
}

export interface LoggedRequest {
  /** Epoch milliseconds with fractions, when the headers had arrived. */
  readonly arrivedAt: number;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the header Idempotency-Key. */
  readonly idempotencyKey: string | null;
  /** Empty until it has arrived in full. */
  body: string;
  /** What was answered; null until then, and for what is never answered. */
  status: number | null;
  /** The answer has left in full. */
  isWhole: boolean;
  /** Epoch milliseconds with fractions, when the answer was out or the connection lost; null while it is open. */
  endedAt: number | null;
}

/** What a server in another thread or process tells of itself: `GET /_log`. */
interface ServerLog {
  readonly requests: readonly LoggedRequest[];
  readonly maxConcurrent: number;
}

/** Listens on 127.0.0.1 in this thread, on any free port unless one is given. */
export async function startMisbehavingServer(port = 0): Promise<MisbehavingServer> {
  const api = new MisbehavingApi();
  const server = createServer(
    { keepAliveTimeout: 60_000, requestTimeout: 0 },
    (request, response) => api.receive(request, response),
  );
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return api.serve(server);
}

export interface MisbehavingThread {
  readonly url: string;
  log(): Promise<ServerLog>;
  close(): Promise<void>;
}

/** The same in a thread of its own, for tests that measure: it answers however busy this thread is. */
export async function startMisbehavingServerInThread(): Promise<MisbehavingThread> {
  const worker = new Worker(new URL("./misbehaving-server-thread.ts", import.meta.url), {
    execArgv: [],
  });
  const [url] = (await once(worker, "message")) as [string];
  return {
    url,
    log: async () => (await (await fetch(`${url}/_log`)).json()) as ServerLog,
    close: async () => {
      await worker.terminate();
    },
  };
}

class MisbehavingApi {
  readonly #requests: LoggedRequest[] = [];
  readonly #behaviours = new Map(Object.entries(BEHAVIOURS));
  readonly #attempts = new Map<string, number>();
  readonly #closing = new AbortController();
  readonly #waiting = new Set<{ readonly count: number; readonly resolve: () => void }>();
  #open = 0;
  #maxConcurrent = 0;

  serve(server: Server): MisbehavingServer {
    const maxConcurrent = (): number => this.#maxConcurrent;
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      requests: this.#requests,
      count: (id) => this.#requests.filter((request) => request.id === id).length,
      get maxConcurrent() {
        return maxConcurrent();
      },
      on: (name, behaviour) => void this.#behaviours.set(name, behaviour),
      waitForRequests: (count) => this.#waitForRequests(count),
      close: async () => {
        this.#closing.abort();
        const closed = server.listening ? once(server, "close") : undefined;
        server.close();
        server.closeAllConnections();
        await closed;
      },
    };
  }

  receive(request: IncomingMessage, response: ServerResponse): void {
    const arrivedAt = performance.timeOrigin + performance.now();
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    const [name = "", ...parts] = url.pathname.slice(1).split("/").map(decodeURIComponent);
    if (name === "_log") {
      const log: ServerLog = { requests: this.#requests, maxConcurrent: this.#maxConcurrent };
      response.end(JSON.stringify(log));
      return;
    }
    const logged: LoggedRequest = {
      arrivedAt,
      method: request.method ?? "GET",
      path: request.url ?? "/",
      id: url.searchParams.get("id") ?? parts.at(-1) ?? name,
      headers: request.headers as Record<string, string>,
      idempotencyKey: (request.headers["idempotency-key"] as string | undefined) ?? null,
      body: "",
      status: null,
      isWhole: false,
      endedAt: null,
    };
    this.#keep(logged, response);
    this.#misbehave(logged, name, parts, url.searchParams, request, response).catch(() =>
      response.destroy(),
    );
  }

  #keep(logged: LoggedRequest, response: ServerResponse): void {
    this.#requests.push(logged);
    this.#maxConcurrent = Math.max(this.#maxConcurrent, ++this.#open);
    response.once("close", () => {
      this.#open--;
      logged.endedAt = performance.timeOrigin + performance.now();
      logged.isWhole = response.writableFinished;
      if (response.headersSent) logged.status = response.statusCode;
    });
    for (const waiting of this.#waiting) {
      if (this.#requests.length < waiting.count) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }

  async #misbehave(
    logged: LoggedRequest,
    name: string,
    parts: readonly string[],
    query: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const key = `${logged.method} ${logged.id}`;
    const attempt = (this.#attempts.get(key) ?? 0) + 1;
    this.#attempts.set(key, attempt);
    logged.body = await text(request);
    const { signal } = this.#closing;
    const delayMs = Number(query.get("delay") ?? 0);
    if (delayMs > 0) await wait(delayMs, undefined, { signal });
    const behaviour = this.#behaviours.get(name);
    if (behaviour === undefined) {
      response.writeHead(404).end(`no behaviour is named ${name}`);
      return;
    }
    const { method, id, body } = logged;
    await behaviour({ parts, query, method, id, attempt, body, response, signal });
  }

  async #waitForRequests(count: number): Promise<void> {
    if (this.#requests.length >= count) return;
    await new Promise<void>((resolve) => this.#waiting.add({ count, resolve }));
  }
}
