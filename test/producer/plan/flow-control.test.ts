import { expect, test } from "vitest";
import { DEFAULT_BREAKER, DEFAULT_MAX_RETRY_AFTER_MS } from "../../../shared/model/policy.ts";
import { readFiles } from "./plan-files.ts";

const read = (text: string, overrides = {}) =>
  readFiles({ "p.yaml": `${text}\ncalls: [https://a]` }, { overrides });

const LANES = `
lanes:
  fixed: { match: "https://f/**", concurrency: 8, rate: 20/s, burst: 10 }
  wide: { match: "https://w/**", concurrency: { min: 2, max: 40 }, rate: 300/m }
  free: { match: "https://x/**", concurrency: auto }
`;

test("a lane's limits are fixed, or adapt between two bounds, and a rate may have a burst", async () => {
  const { lanes } = await read(LANES);
  expect(lanes).toEqual([
    {
      name: "fixed",
      match: ["https://f/**"],
      concurrency: 8,
      rate: { count: 20, perMs: 1_000, burst: 10 },
    },
    {
      name: "wide",
      match: ["https://w/**"],
      concurrency: 40,
      minConcurrency: 2,
      rate: { count: 300, perMs: 60_000 },
    },
    { name: "free", match: ["https://x/**"], concurrency: 256, minConcurrency: 1 },
    { name: "default", match: [], concurrency: 64 },
  ]);
});

test("--concurrency and --rate hold for every lane; a lane's own smaller limit stays", async () => {
  const overrides = { concurrency: 20, rate: { count: 10, perMs: 1_000 } };
  const { lanes } = await read(LANES, overrides);
  const limits = lanes.map(({ concurrency, minConcurrency, rate }) => [
    concurrency,
    minConcurrency,
    rate,
  ]);
  const ten = { count: 10, perMs: 1_000 };
  expect(limits).toEqual([
    [8, undefined, ten],
    [20, 2, { count: 300, perMs: 60_000 }],
    [20, 1, ten],
    [20, undefined, ten],
  ]);
  const narrow = await read(LANES, { concurrency: 1 });
  expect(
    narrow.lanes.map(({ concurrency, minConcurrency }) => [concurrency, minConcurrency]),
  ).toEqual([
    [1, undefined],
    [1, 1],
    [1, 1],
    [1, undefined],
  ]);
});

test("a total limits all lanes together, even below what one lane may", async () => {
  expect((await read("total: { concurrency: 1, rate: 50/s, burst: 5 }")).total).toEqual({
    concurrency: 1,
    rate: { count: 50, perMs: 1_000, burst: 5 },
  });
  expect((await read("total: { rate: 5/h }")).total).toEqual({
    rate: { count: 5, perMs: 3_600_000 },
  });
  expect(await read("name: x")).not.toHaveProperty("total");
});

test("retry rules give kinds of failure attempts and a backoff of their own", async () => {
  const { policy } = await read(`
retry:
  backoff: { first: 250ms, max: 10s, jitter: none }
  maxRetryAfter: 10m
  on: [503, refused]
  rules:
    - { on: 429, attempts: unlimited }
    - { on: [500, 502], attempts: 2 }
    - { on: refused, attempts: 10, backoff: { first: 1s } }
    - { on: [dns, network], attempts: 3, backoff: { factor: 1.5, max: 1m, jitter: full } }`);
  const first = { firstMs: 250, factor: 2, maxMs: 10_000, jitter: "none" };
  expect(policy.retry).toEqual({
    attempts: 5,
    backoff: first,
    on: [503, "refused"],
    rules: [
      { on: [429], attempts: null },
      { on: [500, 502], attempts: 2 },
      { on: ["refused"], attempts: 10, backoff: { ...first, firstMs: 1_000 } },
      {
        on: ["dns", "network"],
        attempts: 3,
        backoff: { ...first, factor: 1.5, maxMs: 60_000, jitter: "full" },
      },
    ],
    maxRetryAfterMs: 600_000,
    unsafe: false,
  });
});

test("a plan that says nothing has the defaults that a message leaves out", async () => {
  const { policy } = await read("name: x");
  expect(policy.breaker).toEqual(DEFAULT_BREAKER);
  expect(policy.retry).toMatchObject({ rules: [], maxRetryAfterMs: DEFAULT_MAX_RETRY_AFTER_MS });
});

test("the breaker can be switched off, and set", async () => {
  expect((await read("breaker: false")).policy.breaker).toBeNull();
  const written =
    "breaker: { share: 50%, minimum: 9, window: 30s, pause: 1s, max: 2m, giveUp: 1h }";
  expect((await read(written)).policy.breaker).toEqual({
    share: 0.5,
    minimum: 9,
    windowMs: 30_000,
    pauseMs: 1_000,
    maxPauseMs: 120_000,
    giveUpMs: 3_600_000,
  });
});

test("a plan says what is done at a run's end; references stay references", async () => {
  const written = `
onSettled:
  webhook: "https://hooks.example/\${env:HOOK}"
  headers: { Authorization: "Bearer \${env:TOKEN}" }
  command: [notify, --run]`;
  expect((await read(written)).onSettled).toEqual({
    webhook: "https://hooks.example/${env:HOOK}",
    headers: { authorization: "Bearer ${env:TOKEN}" },
    command: ["notify", "--run"],
  });
  expect((await read("onSettled: { command: [true-ish] }")).onSettled).toEqual({
    command: ["true-ish"],
  });
  expect(await read("name: x")).not.toHaveProperty("onSettled");
});
