import { once } from "node:events";
import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { ServedRequest, ServerLog, ServerPolicy } from "./server.ts";

/**
 * The API of a scenario, in a process of its own. `/<lane>?id=a1&ms=100` answers after so many milliseconds, unless
 * the policy (JSON, the first argument) refuses it; `/_log` tells what arrived.
 * Out, on stdout: its URL on a line, then an empty line at the first request.
 */
const policy = JSON.parse(process.argv[2] ?? "") as ServerPolicy;

const LOOK_MS = 10;
const delay = monitorEventLoopDelay({ resolution: LOOK_MS });
const served: ServedRequest[] = [];
/** Neither refused nor answered yet. */
let open = 0;
let refusedFrom: number | undefined;

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const arrivedAt = performance.now();
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://127.0.0.1");
  const lane = pathname.slice(1);
  if (lane === "_log") {
    const lateMs = Math.max(0, delay.percentile(99) / 1e6 - LOOK_MS);
    const log: ServerLog = { requests: served, lateMs };
    response.end(JSON.stringify(log));
    return;
  }
  if (served.length === 0) {
    delay.enable();
    process.stdout.write("\n");
  }
  const logged: ServedRequest = { lane, arrivedAt, endedAt: null, status: 200 };
  served.push(logged);
  response.once("close", () => (logged.endedAt = performance.now()));
  if (refuses(arrivedAt, response)) {
    logged.status = 429;
    response.writeHead(429).end();
    return;
  }
  open++;
  response.once("close", () => open--);
  setTimeout(() => response.writeHead(200).end(), Number(searchParams.get("ms") ?? 0));
});

function refuses(now: number, response: ServerResponse): boolean {
  if (policy.kind === "holds") {
    const phase = Math.floor((now - served[0]!.arrivedAt) / policy.phaseMs);
    return open >= (policy.capacities[phase] ?? policy.capacities.at(-1)!);
  }
  if (policy.kind === "open") return false;
  if (refusedFrom === undefined && served.length > policy.after) refusedFrom = now;
  if (refusedFrom === undefined || now >= refusedFrom + policy.seconds * 1000) return false;
  response.setHeader("retry-after", policy.seconds);
  return true;
}

server.listen(0, "127.0.0.1");
await once(server, "listening");
process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
