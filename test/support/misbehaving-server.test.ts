import { Agent, fetch, request } from "undici";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startMisbehavingServer, startMisbehavingServerInThread } from "./misbehaving-server.ts";
import type { MisbehavingServer } from "./misbehaving-server.ts";

let server: MisbehavingServer;
let agent: Agent;

beforeEach(async () => {
  server = await startMisbehavingServer();
  agent = new Agent();
});
afterEach(async () => {
  await agent.destroy();
  await server.close();
});

const get = (path: string) => request(`${server.url}${path}`, { dispatcher: agent });

async function statusesOf(path: string, attempts: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const { statusCode, body } = await get(path);
    await body.dump();
    statuses.push(statusCode);
  }
  return statuses;
}

describe("it answers", () => {
  test("with the status asked for, and when to come back", async () => {
    const { statusCode, headers } = await get("/status/503/a1?retry-after=7");
    expect([statusCode, headers["retry-after"]]).toEqual([503, "7"]);
  });

  test("with failures first, then with success, by id", async () => {
    expect(await statusesOf("/flaky/a?fails=2", 3)).toEqual([503, 503, 200]);
    expect(await statusesOf("/flaky/b?fails=1&status=500", 2)).toEqual([500, 200]);
    expect(server.count("a")).toBe(3);
  });

  test("with the same random failures for the same seed", async () => {
    const path = "/random/x?rate=0.5&seed=3";
    const first = await statusesOf(path, 20);
    const other = await startMisbehavingServer();
    const second: number[] = [];
    for (let attempt = 1; attempt <= 20; attempt++) {
      const { statusCode, body } = await request(`${other.url}${path}`, { dispatcher: agent });
      await body.dump();
      second.push(statusCode);
    }
    await other.close();
    expect(second).toEqual(first);
    expect(new Set(first)).toEqual(new Set([200, 503]));
  });

  test("by sending elsewhere, so many times", async () => {
    const answer = await fetch(`${server.url}/redirect/3`, { dispatcher: agent });
    expect(answer.url).toBe(`${server.url}/ok`);
    expect(server.requests.map(({ path }) => path)).toEqual([
      "/redirect/3",
      "/redirect/2",
      "/redirect/1",
      "/ok",
    ]);
  });

  test("with as many bytes as asked for, at once or by drops", async () => {
    expect((await (await get("/big/1000000")).body.bytes()).length).toBe(1_000_000);
    expect(await (await get("/drip?bytes=3&every=1")).body.text()).toBe("xxx");
  });

  test("and closes the connection where it should", async () => {
    expect((await get("/close")).headers["connection"]).toBe("close");
  });

  test("as a test's own function says", async () => {
    server.on(
      "teapot",
      ({ response, body, parts }) => void response.writeHead(418).end(parts.join("-") + body),
    );
    const { statusCode, body } = await request(`${server.url}/teapot/a/b`, {
      method: "POST",
      body: "!",
      dispatcher: agent,
    });
    expect([statusCode, await body.text()]).toEqual([418, "a-b!"]);
  });
});

describe("it fails to answer", () => {
  test("by resetting the connection", async () => {
    await expect(get("/reset")).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  test("by losing it in the middle of the body", async () => {
    const { statusCode, body } = await get("/partial");
    expect(statusCode).toBe(200);
    await expect(body.text()).rejects.toThrow();
  });

  test("by staying silent, until it is closed", async () => {
    const silent = get("/hang");
    const ended = expect(silent).rejects.toThrow();
    await server.waitForRequests(1);
    await server.close();
    await ended;
  });
});

describe("it logs", () => {
  test("what arrived: method, path, id, key and body", async () => {
    const before = Date.now();
    const { body } = await request(`${server.url}/ok/a1?x=1`, {
      method: "POST",
      headers: { "idempotency-key": "k1" },
      body: "hello",
      dispatcher: agent,
    });
    await body.dump();
    const [logged] = server.requests;
    expect(logged).toMatchObject({
      method: "POST",
      path: "/ok/a1?x=1",
      id: "a1",
      idempotencyKey: "k1",
      body: "hello",
    });
    expect(logged!.arrivedAt).toBeGreaterThan(before - 50);
    expect(logged!.arrivedAt).toBeLessThan(Date.now() + 50);
  });

  test("how many requests were open at once", async () => {
    const gate = Promise.withResolvers<void>();
    server.on("gate", async ({ response }) => {
      await gate.promise;
      response.end();
    });
    const answers = Array.from({ length: 5 }, () => get("/gate"));
    await server.waitForRequests(5);
    gate.resolve();
    await Promise.all(answers.map(async (answer) => (await answer).body.dump()));
    await statusesOf("/ok", 3);
    expect(server.maxConcurrent).toBe(5);
  });
});

test("in a thread of its own it does the same, and gives its log when asked", async () => {
  const thread = await startMisbehavingServerInThread();
  const answers = await Promise.all(
    [1, 2].map((n) => request(`${thread.url}/slow/20/c${n}`, { dispatcher: agent })),
  );
  await Promise.all(answers.map(({ body }) => body.dump()));
  const { requests, maxConcurrent } = await thread.log();
  expect(requests.map(({ id }) => id).toSorted()).toEqual(["c1", "c2"]);
  expect(maxConcurrent).toBe(2);
  await thread.close();
});
