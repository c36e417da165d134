import { expect, test, vi } from "vitest";
import { FlowStage, callsTo, readRun } from "../support/flow-stage.ts";

// Waits of seconds are part of it, and the machine may be slow beside.
vi.setConfig({ testTimeout: 90_000 });
const stage = new FlowStage("retry-rules");

test("each kind of failure has its own budget", async () => {
  const server = await stage.startServer();
  const state = stage.newState();
  const calls = [
    // Twice as many refusals as retry.attempts would allow.
    ...callsTo(`${server.url}/flaky/a?status=429&fails=8`, "throttled", 3),
    ...callsTo(`${server.url}/status/500`, "broken", 2),
    ...callsTo(`${server.url}/status/503`, "busy", 2),
    ...callsTo("http://127.0.0.1:9/", "nobody", 1, { method: "POST" }),
  ];
  const plan = stage.writePlan("rules", calls, {
    breaker: false,
    retry: {
      attempts: 4,
      backoff: { first: "5ms", max: "20ms" },
      rules: [
        { on: 429, attempts: "unlimited" },
        { on: [500, 502], attempts: 2 },
        { on: "refused", attempts: 6, backoff: { first: "1ms", factor: 1 } },
      ],
    },
  });
  const ended = await stage.run(["run", plan, "--json", "--run-id", "r", "--state", state]);
  expect(ended.exitCode, ended.stderr).toBe(1);
  const { rows } = await readRun(state, "r");
  const told = new Set(
    rows.map(({ id, state, reason, attempts }) =>
      [id.split("-")[0], state, reason, attempts].join(),
    ),
  );
  expect(told).toEqual(
    new Set([
      "throttled,succeeded,,9",
      "broken,failed,exhausted,2",
      "busy,failed,exhausted,4",
      "nobody,failed,exhausted,6",
    ]),
  );
});

test("failures are counted on where a call has waited in the queue", async () => {
  const server = await stage.startServer();
  const state = stage.newState();
  const statuses = [429, 429, 500, 500];
  server.on("sequence", ({ attempt, response }) => {
    const status = statuses[attempt - 1] ?? 200;
    // Longer than a worker waits itself.
    if (attempt === 2) response.setHeader("retry-after", "6");
    response.writeHead(status).end();
  });
  const plan = stage.writePlan("queue", callsTo(`${server.url}/sequence`, "q", 1), {
    breaker: false,
    retry: {
      attempts: 2,
      backoff: { first: "5ms", max: "20ms" },
      rules: [
        { on: 429, attempts: 4 },
        { on: 500, attempts: 3 },
      ],
    },
  });
  const ended = await stage.run(["run", plan, "--json", "--run-id", "q", "--state", state]);
  expect(ended.exitCode, ended.stderr).toBe(0);
  const { rows } = await readRun(state, "q");
  expect(rows).toMatchObject([{ state: "succeeded", attempts: 5 }]);
});

test("a Retry-After beyond what is believed is cut", async () => {
  const server = await stage.startServer();
  const state = stage.newState();
  server.on("later", ({ attempt, response }) => {
    response.setHeader("retry-after", "3000");
    response.writeHead(attempt === 1 ? 503 : 200).end();
  });
  const plan = stage.writePlan("later", callsTo(`${server.url}/later`, "l", 1), {
    retry: { backoff: { first: "5ms" }, maxRetryAfter: "1s" },
  });
  const ended = await stage.run(["run", plan, "--json", "--run-id", "l", "--state", state]);
  expect(ended.exitCode, ended.stderr).toBe(0);
  const [first, second] = server.requests;
  expect(second!.arrivedAt - first!.arrivedAt).toBeGreaterThanOrEqual(995);
  expect(ended.elapsedMs).toBeLessThan(20_000);
});
