import { request } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { startChaosProxy } from "./chaos-proxy.ts";
import type { ChaosProxy } from "./chaos-proxy.ts";
import { startMisbehavingServer } from "./misbehaving-server.ts";
import type { MisbehavingServer } from "./misbehaving-server.ts";

async function stage(): Promise<{ server: MisbehavingServer; proxy: ChaosProxy }> {
  const server = await startMisbehavingServer();
  const port = Number(new URL(server.url).port);
  const proxy = await startChaosProxy(() => port);
  onTestFinished(async () => {
    await proxy.close();
    await server.close();
  });
  return { server, proxy };
}

/** The status, or the error's code. */
function get(url: string): Promise<number | string | undefined> {
  return new Promise((resolve) => {
    request(url, { agent: false }, (response) => {
      response.resume().on("close", () => resolve(response.statusCode));
    })
      .on("error", (error: NodeJS.ErrnoException) => resolve(error.code))
      .end();
  });
}

test("it passes on what comes", async () => {
  const { server, proxy } = await stage();
  expect(await get(`${proxy.url}/ok?id=a`)).toBe(200);
  expect(await get(`${proxy.url}/big/3000000`)).toBe(200);
  expect(server.count("a")).toBe(1);
});

test("cut resets the connections that are open, and no later one", async () => {
  const { server, proxy } = await stage();
  const cut = get(`${proxy.url}/hang`);
  await server.waitForRequests(1);
  expect(proxy.cut()).toBe(1);
  expect(await cut).toBe("ECONNRESET");
  expect(await get(`${proxy.url}/ok`)).toBe(200);
});

test("in the dark each connection is reset, until it is clear", async () => {
  const { server, proxy } = await stage();
  proxy.goDark();
  expect(await get(`${proxy.url}/ok`)).toBe("ECONNRESET");
  expect(server.requests).toEqual([]);
  proxy.clear();
  expect(await get(`${proxy.url}/ok`)).toBe(200);
});

test("a lost answer is of a request that arrived", async () => {
  const { server, proxy } = await stage();
  proxy.loseAnswers();
  expect(await get(`${proxy.url}/ok?id=a`)).toBe("ECONNRESET");
  expect(server.count("a")).toBe(1);
});

test("what is garbled is no HTTP for either side", async () => {
  const { server, proxy } = await stage();
  proxy.garble(1, () => 0);
  expect(await get(`${proxy.url}/ok`)).not.toBe(200);
  expect(server.requests).toEqual([]);
  expect(proxy.cuts).toBeGreaterThan(0);
});

test("a delay holds up each direction, and changes nothing of what comes", async () => {
  const { proxy } = await stage();
  proxy.delay(60);
  const startedAt = performance.now();
  expect(await get(`${proxy.url}/big/300000`)).toBe(200);
  expect(performance.now() - startedAt).toBeGreaterThan(110);
});
