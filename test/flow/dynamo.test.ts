import { existsSync } from "node:fs";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { expect, test } from "vitest";
import type { Figures } from "../../shared/model/figures.ts";
import { startDynamoStore } from "../support/dynamo-store.ts";
import { figuresSchema } from "../support/figures-schema.ts";
import { FlowStage, callsTo, readRun } from "../support/flow-stage.ts";
import { startMisbehavingServerInThread } from "../support/misbehaving-server.ts";
import { expectNothingLost } from "../support/run-invariants.ts";

const stage = new FlowStage("dynamo");

/** Environment by which every process of a run keeps coordination in DynamoDB. */
async function startStore(): Promise<Record<string, string>> {
  const store = await startDynamoStore();
  stage.onClose(() => store.close());
  return { SENPU_COORDINATION_TABLE: "senpu", AWS_ENDPOINT_URL_DYNAMODB: store.url };
}

test("two worker processes make a run's calls, each once, with coordination in DynamoDB only", async () => {
  const env = await startStore();
  const server = await stage.startServer();
  const calls = callsTo(`${server.url}/flaky/x?fails=1`, "c", 50);
  const plan = stage.writePlan("shared", calls);
  const state = stage.newState();
  const words = ["run", plan, "--json", "--run-id", "r", "--workers", "2", "--state", state];
  const ended = await stage.run(words, { env });
  expect(ended.exitCode, ended.stderr).toBe(0);
  const figures = figuresSchema.parse(JSON.parse(ended.stdout)) as Figures;
  const { rows } = await readRun(state, "r");
  const ids = calls.map(({ id }) => id);
  expectNothingLost({ figures, rows, requests: server.requests, ids });
  expect(figures).toMatchObject({ succeeded: 50, attempts: 100, duplicates: 0 });
  expect(existsSync(join(state, "coordination.db"))).toBe(false);
}, 150_000);

/** Calls that come up to 50 ms later than they were started, because a machine was busy, fall into another second. */
const LATE = 5;
/** Timers of this process, which is the store too, that come so late make answers too late for the starts they give. */
const BUSY_MS = 15;

// Starts that were missed are not made up for: again where the machine had no time for its timers.
test(
  "a rate holds over three worker processes, in every second, and is used",
  {
    retry: 2,
    timeout: 60_000,
  },
  async () => {
    const env = await startStore();
    // In a thread of its own: this one, which is the store's, may be late to see what arrives.
    const server = await startMisbehavingServerInThread();
    stage.onClose(() => server.close());
    const plan = stage.writePlan("paced", callsTo(`${server.url}/ok`, "paced", 600), {
      lanes: { api: { match: `${server.url}/**`, concurrency: 30, rate: "100/s" } },
    });
    const words = ["run", plan, "--json", "--workers", "3", "--state", stage.newState()];
    const delay = monitorEventLoopDelay({ resolution: 10 });
    delay.enable();
    const ended = await stage.run(words, { env });
    delay.disable();
    expect(ended.exitCode, ended.stderr).toBe(0);
    const arrivals = (await server.log()).requests.map(({ arrivedAt }) => arrivedAt);
    expect(arrivals).toHaveLength(600);
    const windows = countWithin(arrivals, 1_000);
    const isBusy = delay.percentile(95) / 1e6 > BUSY_MS;
    expect(Math.max(...windows)).toBeLessThanOrEqual(isBusy ? 100 + LATE : 101);
    expect(windows.filter((count) => count > 100).length).toBeLessThan(windows.length / 10);
    // All three work by then, and none is out of calls yet. A third would be a worker alone;
    // how much of it is used exactly, `npm run bench:flow` measures.
    const middle = windows.slice(150, 450).toSorted((a, b) => a - b);
    expect(middle[Math.floor(middle.length / 2)]).toBeGreaterThan(isBusy ? 20 : 50);
  },
);

test("a table that cannot be reached is told in a line, with exit code 3", async () => {
  const store = await startDynamoStore();
  await store.close();
  const env = { SENPU_COORDINATION_TABLE: "senpu", AWS_ENDPOINT_URL_DYNAMODB: store.url };
  const plan = stage.writePlan("unreached", callsTo("http://127.0.0.1:9/", "c", 1));
  const ended = await stage.run(["run", plan, "--state", stage.newState()], { env });
  expect(ended.exitCode).toBe(3);
  expect(ended.stderr).toMatch(
    /^senpu: DynamoDB table senpu at http:\S+ opening failed for 3000 ms, last with: .*ECONNREFUSED.*\n$/,
  );
});

/** Of each of these moments: how many lie in the window of that length that it begins. */
function countWithin(moments: readonly number[], windowMs: number): number[] {
  const sorted = moments.toSorted((a, b) => a - b);
  let end = 0;
  return sorted.map((moment, first) => {
    while (end < sorted.length && sorted[end]! - moment < windowMs) end++;
    return end - first;
  });
}
