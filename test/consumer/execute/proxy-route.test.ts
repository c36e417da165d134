import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Attempt } from "../../../consumer/execute/attempt.ts";
import { HttpClient } from "../../../consumer/execute/http-client.ts";
import {
  openProxyRoute,
  proxiesOfEnvironment,
  proxiesOfPlan,
} from "../../../consumer/execute/proxy-route.ts";
import type { Route } from "../../../consumer/execute/route.ts";
import { startMisbehavingServer } from "../../support/misbehaving-server.ts";
import type { MisbehavingServer } from "../../support/misbehaving-server.ts";

/** What reached the proxy: `GET http://…` or `CONNECT host:port`, and who sent it. */
const seen: { readonly line: string; readonly authorization: string | undefined }[] = [];
let status = 200;
let proxy: Server;
let proxyUrl: string;
let server: MisbehavingServer;
const http = new HttpClient();

beforeEach(async () => {
  server = await startMisbehavingServer();
  status = 200;
  seen.length = 0;
  proxy = createServer((incoming, response) => {
    const { method, url = "", headers } = incoming;
    seen.push({ line: `${method} ${url}`, authorization: headers["proxy-authorization"] });
    if (status !== 200) {
      response.writeHead(status).end();
      return;
    }
    const onward = httpRequest(url, { method: method!, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    incoming.pipe(onward);
  });
  proxy.on("connect", ({ url = "", headers }, socket) => {
    seen.push({ line: `CONNECT ${url}`, authorization: headers["proxy-authorization"] });
    if (status !== 200) {
      socket.end(`HTTP/1.1 ${status} No\r\n\r\n`);
      return;
    }
    const [host, port] = url.split(":");
    const upstream = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 Connected\r\n\r\n");
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on("error", () => socket.destroy());
    socket.on("error", () => upstream.destroy());
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await http.close();
  await server.close();
  proxy.close();
  proxy.closeAllConnections();
});

function attempt(origin: string, route: Route, path = "/ok"): Promise<Attempt> {
  const request = { origin, path, method: "GET" as const, headers: [], body: null };
  return new Promise((resolve) =>
    http.start({ ...request, grant: { route } }, http.pools(["127.0.0.1"]), 10_000, 0, resolve),
  );
}

test("a plan's proxy is asked for http: URLs whole, with its own user and password", async () => {
  const url = proxyUrl.replace("//", "//user:pass%2Fword@");
  const route = await openProxyRoute(proxiesOfPlan(url));
  const { end } = await attempt(server.url, route);
  expect(end).toEqual({ kind: "answer", status: 200 });
  const authorization = `Basic ${Buffer.from("user:pass/word").toString("base64")}`;
  expect(seen).toEqual([{ line: `GET ${server.url}/ok`, authorization }]);
  expect(server.requests[0]?.headers["proxy-authorization"]).toBe(authorization);
});

test("for https: it is asked for a tunnel", async () => {
  const route = await openProxyRoute(proxiesOfPlan(proxyUrl));
  const { end } = await attempt(server.url.replace("http:", "https:"), route);
  // The server speaks no TLS: how far it got is what counts.
  expect(end).toMatchObject({ sent: false });
  expect(seen[0]?.line).toBe(`CONNECT ${new URL(server.url).host}`);
});

test("a proxy that refuses is an error that names no password, and nothing was sent", async () => {
  status = 407;
  const route = await openProxyRoute(proxiesOfPlan(proxyUrl.replace("//", "//user:hidden-word@")));
  for (const origin of [server.url.replace("http:", "https:"), server.url]) {
    const { end, error } = await attempt(origin, route);
    expect(end?.kind).not.toBe("answer");
    expect(error).toContain("407");
    expect(error).not.toContain("hidden");
  }
  expect(server.requests).toHaveLength(0);
});

test("hosts of NO_PROXY are called directly", async () => {
  vi.stubEnv("NO_PROXY", "example.com,127.0.0.1");
  const route = await openProxyRoute(proxiesOfPlan(proxyUrl));
  expect((await attempt(server.url, route)).end).toEqual({ kind: "answer", status: 200 });
  expect(seen).toEqual([]);
});

test("a proxy of the environment is not asked for what runs on this machine", async () => {
  vi.stubEnv("HTTPS_PROXY", proxyUrl);
  vi.stubEnv("HTTP_PROXY", proxyUrl);
  const route = await openProxyRoute(proxiesOfEnvironment()!);
  expect((await attempt(server.url, route)).end).toEqual({ kind: "answer", status: 200 });
  expect(seen).toEqual([]);
  status = 502;
  await attempt("http://nowhere.invalid", route);
  expect(seen[0]?.line).toBe("GET http://nowhere.invalid/ok");
});

test("calls through a proxy have as many connections as there are calls in flight", async () => {
  const route = await openProxyRoute(proxiesOfPlan(proxyUrl));
  const attempts = Array.from({ length: 8 }, () => attempt(server.url, route, "/hang"));
  await server.waitForRequests(8);
  expect(server.maxConcurrent).toBe(8);
  http.giveUp(true);
  await Promise.all(attempts);
});

test("a name that leads to an internal address here is not asked of the proxy, unless it is meant", async () => {
  const guarded = new HttpClient({
    resolve: (_host, _options, callback) =>
      callback(null, [{ address: "10.0.0.7", family: 4 }] as never, 4),
  });
  const route = await openProxyRoute(proxiesOfPlan(proxyUrl));
  const request = {
    origin: "http://crm.internal",
    path: "/",
    method: "GET" as const,
    headers: [],
    body: null,
  };
  const make = (allow: string[]): Promise<Attempt> =>
    new Promise((resolve) => {
      guarded.start({ ...request, grant: { route } }, guarded.pools(allow), 5_000, 0, resolve);
    });
  const blocked = await make([]);
  expect(blocked.end).toEqual({ kind: "blocked", sent: false });
  expect(blocked.error).toMatch(/crm\.internal leads to 10\.0\.0\.7/);
  expect(seen).toEqual([]);
  status = 418;
  expect((await make(["10.0.0.0/8"])).end).toEqual({ kind: "answer", status: 418 });
  await guarded.close();
});
