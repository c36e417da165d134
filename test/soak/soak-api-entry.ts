import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { BEHAVIOURS } from "../support/misbehaviours.ts";
import type { SeenCall, SeenCalls } from "./soak-api.ts";

/**
 * What the soak calls: the misbehaving server's ways, in a process of its own that keeps a few numbers a call, and those
 * only until it is asked for them. A request's `?run=` and `?id=` say whose it is, `?delay=` when it is answered.
 *
 * In, over IPC: a run's id, of which nothing more will come. Out: `http://…` once, then what was seen of each run.
 */

/** Statuses by which a server says that it has not processed the request. */
const NOT_PROCESSED: ReadonlySet<number> = new Set([408, 425, 429, 503]);

const runs = new Map<string, Map<string, SeenCall>>();
const never = new AbortController().signal;

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const [name = "", ...parts] = url.pathname.slice(1).split("/");
  const query = url.searchParams;
  const id = query.get("id") ?? "";
  const seen = noteArrival(query.get("run") ?? "", id);
  const attempt = seen.attempts;
  response.once("close", () => {
    const isKnown = response.headersSent;
    if (!isKnown || !NOT_PROCESSED.has(response.statusCode)) seen.processed++;
    if (isKnown && response.statusCode < 300 && response.writableFinished) seen.succeeded++;
  });
  const body = await text(request);
  const delayMs = Number(query.get("delay") ?? 0);
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
  const { method = "GET" } = request;
  await BEHAVIOURS[name]?.({ parts, query, method, id, attempt, body, response, signal: never });
}

function noteArrival(run: string, id: string): SeenCall {
  const calls = runs.get(run) ?? new Map<string, SeenCall>();
  runs.set(run, calls);
  const seen = calls.get(id) ?? { attempts: 0, processed: 0, succeeded: 0 };
  calls.set(id, seen);
  seen.attempts++;
  return seen;
}

const server = createServer({ requestTimeout: 0 }, (request, response) => {
  answer(request, response).catch(() => response.destroy());
});
server.listen(0, "127.0.0.1", () => {
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
process.on("message", (run: string) => {
  const calls: SeenCalls = Object.fromEntries(runs.get(run) ?? []);
  runs.delete(run);
  process.send?.({ run, calls });
});
process.on("disconnect", () => process.exit());
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {});
