import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startDemoApi } from "../../../producer/demo/demo-api.ts";
import { Load, OVERLOADED_TRIES, latencyMs } from "../../../producer/demo/demo-behaviour.ts";
import { startDemoServer } from "../../../producer/demo/demo-server.ts";
import type { DemoServer } from "../../../producer/demo/demo-server.ts";

describe("the demo API", () => {
  let server: DemoServer;
  beforeAll(async () => {
    server = await startDemoServer();
  });
  afterAll(() => server.close());

  const get = (query: string): Promise<Response> => fetch(`${server.url}/v1/forecast?${query}`);
  const post = (key: string): Promise<Response> =>
    fetch(`${server.url}/v1/bulletins`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": key },
      body: JSON.stringify({ prefecture: "Nara" }),
    });

  test("tells the same forecast each time", async () => {
    const query = "latitude=34.7&longitude=135.8&name=Nara";
    const [first, second] = [await get(query), await get(query)];
    expect(first.status).toBe(200);
    const forecast = await first.json();
    expect(forecast).toMatchObject({ name: "Nara", temperatureCelsius: expect.any(Number) });
    expect(await second.json()).toEqual(forecast);
  });

  test("does not know Atlantis, and never hears from El Dorado", async () => {
    expect((await get("name=Atlantis")).status).toBe(404);
    for (let attempt = 1; attempt <= 5; attempt++) {
      expect((await get("name=El+Dorado")).status).toBe(500);
    }
  });

  test("refuses coordinates that are nowhere", async () => {
    expect((await get("latitude=91&longitude=0&name=x")).status).toBe(400);
    expect((await get("name=x")).status).toBe(400);
  });

  test("stores a bulletin once, however often it is sent", async () => {
    const before = server.counts().bulletins;
    const first = await post("key-1");
    const again = await post("key-1");
    expect([first.status, again.status]).toEqual([201, 201]);
    const { bulletin } = (await first.json()) as { bulletin: number };
    expect(await again.json()).toEqual({ bulletin, repeated: true });
    expect(server.counts().bulletins).toBe(before + 1);
  });
});

test("what is refused once for overload says when to come back, and is taken then", async () => {
  const server = await startDemoServer();
  try {
    const urls = Array.from(
      { length: 245 },
      (_, i) => `${server.url}/v1/forecast?latitude=1&longitude=2&name=n${i}`,
    );
    const answers = await Promise.all(urls.map((url) => fetch(url)));
    const refused = answers.filter(({ status }) => status === 503);
    expect(refused).toHaveLength(OVERLOADED_TRIES);
    for (const answer of refused) expect(answer.headers.get("retry-after")).toBe("1");
    const again = await Promise.all(refused.map(({ url }) => fetch(url)));
    expect(new Set(again.map(({ status }) => status))).toEqual(new Set([200]));
    expect(server.counts()).toMatchObject({ requests: 245 + OVERLOADED_TRIES, firstTries: 245 });
  } finally {
    await server.close();
  }
});

test("it is refused some 6 % of the demo's first tries", () => {
  const tries = Array.from({ length: 245 }, (_, i) => i + 1);
  const load = new Load();
  expect(tries.filter((firstTry) => load.isTooMuch(firstTry, 0))).toHaveLength(OVERLOADED_TRIES);
  expect(OVERLOADED_TRIES / 245).toBeCloseTo(0.06, 1);
});

test("who comes back after its Retry-After does not meet the same overload, however slow it is", () => {
  const tries = Array.from({ length: 245 }, (_, i) => i + 1);
  const load = new Load();
  // One at a time, a second apart: each overload refuses its first.
  expect(tries.filter((firstTry) => load.isTooMuch(firstTry, firstTry * 1_000))).toHaveLength(2);
});

test("most answers take 20 to 120 ms, and a few much longer", () => {
  const latencies = Array.from({ length: 2_000 }, (_, i) => latencyMs("seed", String(i)));
  const slow = latencies.filter((ms) => ms >= 400);
  expect(latencies.every((ms) => (ms >= 20 && ms <= 120) || (ms >= 400 && ms <= 900))).toBe(true);
  expect(slow.length / latencies.length).toBeCloseTo(0.05, 1);
});

test("in its thread it answers while this one is busy elsewhere, and tells its counts when it stops", async () => {
  const api = await startDemoApi();
  expect((await fetch(`${api.url}/v1/health`)).status).toBe(200);
  expect(await api.stop()).toEqual({ requests: 1, firstTries: 1, refused: 0, bulletins: 0 });
  await expect(fetch(`${api.url}/v1/health`)).rejects.toThrow();
});
