import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import {
  BROKEN_PLACE,
  Load,
  REFUSAL_LATENCY_MS,
  RETRY_AFTER_SECONDS,
  UNKNOWN_PLACE,
  latencyMs,
  temperatureCelsius,
} from "./demo-behaviour.ts";

/** A weather API that behaves as APIs do: not always well. */
export interface DemoServer {
  /** `http://127.0.0.1:49152`, without a slash at the end. */
  readonly url: string;
  counts(): DemoCounts;
  close(): Promise<void>;
}

export interface DemoCounts {
  readonly requests: number;
  /** Requests that were not a repetition of an earlier one. */
  readonly firstTries: number;
  /** Answered 503. */
  readonly refused: number;
  /** Bulletins stored, each once however often it was sent. */
  readonly bulletins: number;
}

interface Answer {
  readonly status: number;
  readonly json: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const SEED = "senpu";
/** Longer than any pause of the demo, so that no connection is closed while a request is on its way. */
const KEEP_ALIVE_MS = 60_000;

/** Listens on 127.0.0.1, on any free port. */
export async function startDemoServer(): Promise<DemoServer> {
  const api = new DemoApi();
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    api.handle(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts: () => api.counts(),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

class DemoApi {
  #requests = 0;
  #refused = 0;
  readonly #load = new Load();
  readonly #seen = new Set<string>();
  /** Bulletin numbers by idempotency key, or by body where there is none. */
  readonly #bulletins = new Map<string, number>();

  counts(): DemoCounts {
    return {
      requests: this.#requests,
      firstTries: this.#seen.size,
      refused: this.#refused,
      bulletins: this.#bulletins.size,
    };
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#requests++;
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    const body = await text(request);
    const idempotencyKey = request.headers["idempotency-key"];
    const key = `${request.method} ${url.pathname}${url.search} ${String(idempotencyKey ?? body)}`;
    const isFirstTry = !this.#seen.has(key);
    this.#seen.add(key);
    if (isFirstTry && this.#load.isTooMuch(this.#seen.size, performance.now())) {
      this.#refused++;
      await wait(REFUSAL_LATENCY_MS);
      send(response, {
        status: 503,
        json: { error: "overloaded, come back in a second" },
        headers: { "retry-after": String(RETRY_AFTER_SECONDS) },
      });
      return;
    }
    const answer = this.#answer(request.method ?? "GET", url, body, key);
    await wait(latencyMs(SEED, key));
    send(response, answer);
  }

  #answer(method: string, url: URL, body: string, key: string): Answer {
    const isRead = method === "GET" || method === "HEAD";
    if (isRead && url.pathname === "/v1/health") return { status: 200, json: { status: "up" } };
    if (isRead && url.pathname === "/v1/forecast") return forecast(url.searchParams);
    if (isRead && url.pathname === "/v1/bulletins") {
      return { status: 200, json: { bulletins: this.#bulletins.size } };
    }
    if (method === "POST" && url.pathname === "/v1/bulletins") {
      return this.#storeBulletin(body, key);
    }
    return { status: 404, json: { error: `nothing answers ${method} ${url.pathname}` } };
  }

  #storeBulletin(body: string, key: string): Answer {
    if (!isJson(body)) return { status: 400, json: { error: "the body is not JSON" } };
    const known = this.#bulletins.get(key);
    const bulletin = known ?? this.#bulletins.size + 1;
    this.#bulletins.set(key, bulletin);
    return { status: 201, json: { bulletin, repeated: known !== undefined } };
  }
}

function forecast(query: URLSearchParams): Answer {
  const name = query.get("name") ?? "";
  const latitude = Number.parseFloat(query.get("latitude") ?? "");
  const longitude = Number.parseFloat(query.get("longitude") ?? "");
  if (name === UNKNOWN_PLACE) return { status: 404, json: { error: `there is no ${name}` } };
  if (name === BROKEN_PLACE) {
    return { status: 500, json: { error: `the station of ${name} does not answer` } };
  }
  if (!(Math.abs(latitude) <= 90) || !(Math.abs(longitude) <= 180)) {
    return { status: 400, json: { error: "latitude is -90 to 90, longitude -180 to 180" } };
  }
  const temperature = temperatureCelsius(SEED, latitude, longitude);
  return { status: 200, json: { name, latitude, longitude, temperatureCelsius: temperature } };
}

function send(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers });
  response.end(JSON.stringify(answer.json));
}

function isJson(body: string): boolean {
  try {
    JSON.parse(body);
    return true;
  } catch {
    return false;
  }
}
