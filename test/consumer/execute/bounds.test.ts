import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { Attempt } from "../../../consumer/execute/attempt.ts";
import { HttpClient } from "../../../consumer/execute/http-client.ts";

/** Answers that are too much, and requests that are none. */

const MAX_BODY_BYTES = 200_000;
const client = new HttpClient({ maxBodyBytes: MAX_BODY_BYTES });
const servers: Server[] = [];
afterEach(async () => {
  await client.close();
  for (const server of servers.splice(0)) server.close();
});

interface Listener {
  readonly port: number;
  readonly sockets: Socket[];
}

/** Treats each connection so once its request has come. */
async function listen(treat: (socket: Socket) => void): Promise<Listener> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("data", () => treat(socket));
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, sockets };
}

interface Made {
  readonly method?: "GET" | "POST";
  readonly path?: string;
  readonly headers?: readonly string[];
  readonly timeoutMs?: number;
}

function call(port: number, made: Made = {}): Promise<Attempt> {
  const { method = "GET", path = "/", headers = [], timeoutMs = 20_000 } = made;
  const request = { origin: `http://127.0.0.1:${port}`, path, method, headers, body: null };
  const pools = client.pools(["127.0.0.1"]);
  return new Promise((resolve) => client.start(request, pools, timeoutMs, 0, resolve));
}

/** Whatever its end: it may be reset. */
async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
}

function writeFor(socket: Socket, text: string): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(text));
    if (!socket.destroyed) socket.once("drain", more);
  };
  more();
}

test("a body without end is read as far as a body may be; the answer counts, the connection is closed", async () => {
  for (const status of [200, 404]) {
    const { port, sockets } = await listen((socket) => {
      socket.write(`HTTP/1.1 ${status} X\r\ntransfer-encoding: chunked\r\n\r\n`);
      writeFor(socket, `4000\r\n${"x".repeat(0x4000)}\r\n`);
    });
    const { end, error } = await call(port, { method: "POST" });
    expect(end).toEqual({ kind: "answer", status });
    expect(error).toBeUndefined();
    await closed(sockets[0]!);
  }
});

test("the next call to that server has a connection of its own, and its own answer", async () => {
  let calls = 0;
  const { port, sockets } = await listen((socket) => {
    const size = calls++ === 0 ? MAX_BODY_BYTES + 1 : MAX_BODY_BYTES;
    socket.write(`HTTP/1.1 20${calls} X\r\ncontent-length: ${size}\r\n\r\n${"x".repeat(size)}`);
  });
  expect((await call(port)).end).toEqual({ kind: "answer", status: 201 });
  expect((await call(port)).end).toEqual({ kind: "answer", status: 202 });
  expect((await call(port)).end).toEqual({ kind: "answer", status: 203 });
  await closed(sockets[0]!);
});

test("headers without end are a network error, and the connection is closed", async () => {
  const { port, sockets } = await listen((socket) => {
    socket.write("HTTP/1.1 200 OK\r\n");
    writeFor(socket, `x-more: ${"x".repeat(4_000)}\r\n`);
  });
  const { end, error } = await call(port);
  expect(end).toEqual({ kind: "network", sent: true });
  expect(error).toMatch(/Headers Overflow/);
  await closed(sockets[0]!);
});

test("so are trailers without end", async () => {
  const { port } = await listen((socket) => {
    socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n");
    writeFor(socket, `x-more: ${"x".repeat(4_000)}\r\n`);
  });
  expect((await call(port)).end).toEqual({ kind: "network", sent: true });
});

test("headers, a body and first answers that come drop by drop end with the attempt's time", async () => {
  const drips: readonly [first: string, drop: string][] = [
    ["HTTP/1.1 200 OK\r\nx-slow: ", "x"],
    ["HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", "x"],
    ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\nx\r\n"],
    ["", "HTTP/1.1 102 Processing\r\n\r\n"],
  ];
  for (const [first, drop] of drips) {
    let timer: NodeJS.Timeout | undefined;
    const { port } = await listen((socket) => {
      socket.write(first);
      timer = setInterval(() => socket.write(drop), 10);
      socket.once("close", () => clearInterval(timer));
    });
    const { end, latencyMs } = await call(port, { timeoutMs: 150 });
    expect(end).toEqual({ kind: "timeout", sent: true });
    expect(latencyMs).toBeGreaterThan(140);
  }
});

test.each([
  ["a line break in a header's value", ["x-a", "b\r\nx-evil: 1"]],
  ["a bare line feed", ["x-a", "b\nx-evil: 1"]],
  ["a bare carriage return", ["x-a", "b\rx-evil: 1"]],
  ["a NUL", ["x-a", "b\0c"]],
  ["a character beyond Latin-1", ["x-a", "č"]],
  ["one that ends in a line feed once cut to a byte", ["x-a", "嘊evil"]],
  ["a line break in a header's name", ["x-a\r\nx-evil", "1"]],
  ["a colon in a header's name", ["x-a: 1", "b"]],
])("%s: the call is invalid, and nothing is sent", async (_what, headers) => {
  const { port, sockets } = await listen(() => {});
  expect((await call(port, { headers })).end).toEqual({ kind: "invalid" });
  expect(sockets).toHaveLength(0);
});

test.each(["/a b", "/a\r\nx-evil: 1", "/a\0", "/č"])("the path %j likewise", async (path) => {
  const { port, sockets } = await listen(() => {});
  expect((await call(port, { path })).end).toEqual({ kind: "invalid" });
  expect(sockets).toHaveLength(0);
});
