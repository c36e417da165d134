import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { Attempt } from "../../../consumer/execute/attempt.ts";
import { HttpClient } from "../../../consumer/execute/http-client.ts";

const client = new HttpClient();
const servers: Server[] = [];
afterEach(async () => {
  await client.close();
  for (const server of servers.splice(0)) server.close();
});

/** The port of a listener that treats each connection so. */
async function listen(treat: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    treat(socket);
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

function attempt(origin: string, timeoutMs = 20_000): Promise<Attempt> {
  const request = { origin, path: "/", method: "POST" as const, headers: [], body: "x" };
  const pools = client.pools(["127.0.0.1", "::1"]);
  return new Promise((resolve) => client.start(request, pools, timeoutMs, 0, resolve));
}

test("a port that nobody listens on has refused, and nothing was sent", async () => {
  const port = await listen(() => {});
  const [server] = servers.splice(0);
  server!.close();
  await once(server!, "close");
  for (const host of ["127.0.0.1", "localhost"]) {
    const { end, error } = await attempt(`http://${host}:${port}`);
    expect(end).toEqual({ kind: "refused", sent: false });
    expect(error).toMatch(/ECONNREFUSED/);
  }
});

test("a host without an address is a matter of DNS, and nothing was sent", async () => {
  const { end, error } = await attempt("http://nowhere.invalid");
  expect(end).toEqual({ kind: "dns", sent: false });
  expect(error).toMatch(/getaddrinfo/);
});

test("a connection that is reset, or closed, before the answer was reset; the request had been sent", async () => {
  const endings: ((socket: Socket) => void)[] = [
    (socket) => socket.resetAndDestroy(),
    (socket) => socket.destroy(),
    (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"),
  ];
  for (const finish of endings) {
    const port = await listen((socket) => socket.once("data", () => finish(socket)));
    const { end } = await attempt(`http://127.0.0.1:${port}`);
    expect(end).toEqual({ kind: "reset", sent: true });
  }
});

test("a connection that is reset while TLS is agreed upon has carried no request", async () => {
  for (const finish of ["resetAndDestroy", "destroy"] as const) {
    const port = await listen((socket) => socket.once("data", () => socket[finish]()));
    const { end } = await attempt(`https://127.0.0.1:${port}`);
    expect(end).toEqual({ kind: "reset", sent: false });
  }
});

test("what is no HTTP, or no TLS, is a network error like any other", async () => {
  const port = await listen((socket) => socket.once("data", () => socket.end("hello\r\n\r\n")));
  expect((await attempt(`http://127.0.0.1:${port}`)).end).toEqual({ kind: "network", sent: true });
  const tls = await attempt(`https://127.0.0.1:${port}`);
  expect(tls.end).toEqual({ kind: "network", sent: false });
});

test("a server that never answers has timed out", async () => {
  const port = await listen(() => {});
  const { end } = await attempt(`http://127.0.0.1:${port}`, 100);
  expect(end).toEqual({ kind: "timeout", sent: true });
});
