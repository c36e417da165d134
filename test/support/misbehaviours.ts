import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { setTimeout as wait } from "node:timers/promises";

/** What the misbehaving server does with a request, by its path. See `misbehaving-server.ts` for the list. */

/** Answers, or does not. Its promise may reject with an AbortError when the server closes. */
export type Behaviour = (exchange: Exchange) => void | Promise<void>;

interface Exchange {
  /** Parts of the path after the behaviour's own name: `/status/503/a1` has `503` and `a1`. */
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
  readonly method: string;
  /** `?id=`, else the last part of the path. */
  readonly id: string;
  /** Requests with this method and id so far, this one included. */
  readonly attempt: number;
  readonly body: string;
  readonly response: ServerResponse;
  /** Aborts when the server closes. */
  readonly signal: AbortSignal;
}

export const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  ok: (exchange) => answer(exchange, 200),
  status: (exchange) => answer(exchange, Number(exchange.parts[0])),
  slow: async (exchange) => {
    await wait(Number(exchange.parts[0]), undefined, { signal: exchange.signal });
    answer(exchange, 200);
  },
  flaky: (exchange) => {
    if (exchange.attempt <= numberOf(exchange, "fails", 1)) fail(exchange);
    else answer(exchange, 200);
  },
  random: (exchange) => {
    const seed = exchange.query.get("seed") ?? "0";
    if (chance(`${seed} ${exchange.id} ${exchange.attempt}`) < numberOf(exchange, "rate", 0.1)) {
      fail(exchange);
    } else answer(exchange, 200);
  },
  hang,
  reset,
  partial,
  redirect: ({ parts, query, response }) => {
    const left = Number(parts[0]);
    const location = left > 1 ? `/redirect/${left - 1}` : "/ok";
    response.writeHead(Number(query.get("status") ?? 302), { location }).end();
  },
  big: async ({ parts, response }) => {
    const bytes = Number(parts[0]);
    response.writeHead(200, { "content-length": bytes });
    await pipeline(blocksOf(bytes), response);
  },
  drip: async (exchange) => {
    const { response, signal } = exchange;
    response.writeHead(200).flushHeaders();
    for (let left = numberOf(exchange, "bytes", 60); left > 0 && !response.destroyed; left--) {
      response.write("x");
      await wait(numberOf(exchange, "every", 1_000), undefined, { signal });
    }
    response.end();
  },
  close: (exchange) => {
    exchange.response.setHeader("connection", "close");
    answer(exchange, 200);
  },
};

const FAILURES: Readonly<Record<string, (exchange: Exchange) => void>> = { hang, reset, partial };

/** As `?how=` says; else with `?status=`, 503 by default. */
function fail(exchange: Exchange): void {
  const how = FAILURES[exchange.query.get("how") ?? ""];
  if (how === undefined) answer(exchange, numberOf(exchange, "status", 503));
  else how(exchange);
}

function answer({ query, response, id, attempt }: Exchange, status: number): void {
  const retryAfter = query.get("retry-after");
  if (retryAfter !== null && status >= 300) response.setHeader("retry-after", retryAfter);
  response.writeHead(status, { "content-type": "application/json" });
  response.end(
    status === 204 || status === 304 ? undefined : JSON.stringify({ id, attempt, status }),
  );
}

function hang(): void {
  // The request stays open until its sender gives up, or the server closes.
}

function reset({ response }: Exchange): void {
  response.socket?.resetAndDestroy();
}

function partial({ response }: Exchange): void {
  response.writeHead(200, { "content-type": "application/json", "content-length": 1_000 });
  response.write('{"half":', () => response.destroy());
}

function* blocksOf(bytes: number): Generator<Buffer> {
  const block = Buffer.alloc(64 * 1024, "x");
  for (let left = bytes; left > 0; left -= block.length) yield block.subarray(0, left);
}

function numberOf({ query }: Exchange, name: string, otherwise: number): number {
  const text = query.get(name);
  return text === null ? otherwise : Number(text);
}

/** 0 up to, but not, 1; the same for the same text. */
function chance(text: string): number {
  return createHash("sha256").update(text).digest().readUInt32BE(0) / 2 ** 32;
}
