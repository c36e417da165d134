import { expect, test } from "vitest";
import type { EventSourceSummary } from "../../shared/command.ts";
import { FlowStage, callsTo, readRun } from "../support/flow-stage.ts";
import { expectNothingLost } from "../support/run-invariants.ts";
import type { SenpuProcess } from "../support/senpu-process.ts";

const stage = new FlowStage("lambda");

interface Tally {
  readonly succeeded: number;
  readonly failed: number;
  readonly putBack: number;
}

/** What the function logged of each event. */
function talliesOf(worker: SenpuProcess): Tally[] {
  return [...worker.stderr.matchAll(/INFO\t(\{"lane".*\})$/gm)].map(
    ([, json = ""]) => JSON.parse(json) as Tally,
  );
}

/** Of the lines that CloudWatch makes metrics of. */
function metricsOf(worker: SenpuProcess): Record<string, number>[] {
  return [...worker.stderr.matchAll(/^\{"_aws".*\}$/gm)].map(
    ([json]) => JSON.parse(json) as Record<string, number>,
  );
}

const sumOf = (tallies: readonly Tally[], what: keyof Tally): number =>
  tallies.reduce((sum, tally) => sum + tally[what], 0);

test("1,000 slow calls through functions with a time limit of 5 s: all made, deferrals counted, none lost", async () => {
  const server = await stage.startServer();
  // 100 to 1,500 ms, spread evenly.
  server.on("slow", async ({ id, response }) => {
    const index = Number(id.slice(id.lastIndexOf("-") + 1));
    await new Promise((resolve) => setTimeout(resolve, 100 + ((index * 377) % 1_401)));
    response.writeHead(200).end();
  });
  const calls = callsTo(`${server.url}/slow`, "call", 1_000);
  const plan = stage.writePlan("lambda", calls, {
    lanes: { default: { concurrency: 150 } },
    defaults: { timeout: "3s" },
  });
  const state = stage.newState();
  const run = stage.start([
    "run",
    plan,
    "--no-worker",
    "--run-id",
    "r",
    "--json",
    "--state",
    state,
  ]);
  const worker = stage.start([
    "worker",
    "--as",
    "lambda",
    "--timeout",
    "5s",
    "--max-concurrency",
    "4",
    "--json",
    "--state",
    state,
  ]);
  const { exitCode, stdout, stderr } = await run.ended;
  worker.kill("SIGTERM");
  const ended = await worker.ended;
  const evidence = await readRun(state, "r");
  const ids = calls.map(({ id }) => id);
  expect({ exitCode, stdout, stderr }).toMatchObject({ exitCode: 0 });
  expectNothingLost({ ...evidence, requests: server.requests, ids });
  const tallies = talliesOf(worker);
  expect(sumOf(tallies, "putBack"), "calls were deferred").toBeGreaterThan(0);
  const summary = JSON.parse(ended.stdout) as EventSourceSummary;
  expect(summary.errors).toBe(0);
  // A machine that has no processor for a function as long as its time lasts; what it did, it then logs no more.
  expect(summary.timeouts).toBeLessThan(3);
  if (summary.timeouts === 0) {
    expect(sumOf(tallies, "succeeded")).toBe(1_000 + evidence.figures.duplicates);
  }
  const metrics = metricsOf(worker);
  expect(metrics.length, "a line a batch").toBe(tallies.length);
  const measured = (name: string): number =>
    metrics.reduce((sum, line) => sum + (line[name] ?? 0), 0);
  expect(measured("Succeeded")).toBe(sumOf(tallies, "succeeded"));
  expect(measured("PutBack")).toBe(sumOf(tallies, "putBack"));
  expect(ended.exitCode).toBe(0);
  // None, but for where the machine is so busy that putting back takes longer than a function leaves for it.
  expect(summary.messagesFailed).toBeLessThan(summary.messages / 4);
}, 150_000);

test("a function whose process dies loses nothing: its messages come again, and another environment takes them", async () => {
  const server = await stage.startServer();
  const calls = callsTo(`${server.url}/slow/300`, "doomed", 60);
  const plan = stage.writePlan("doomed", calls, { lanes: { default: { concurrency: 10 } } });
  const state = stage.newState();
  const run = stage.start(["run", plan, "--no-worker", "--run-id", "r", "--state", state]);
  const worker = stage.start([
    "worker",
    "--as",
    "lambda",
    "--timeout",
    "1s",
    "--json",
    "--state",
    state,
  ]);
  await server.waitForRequests(5);
  for (const pid of worker.children()) process.kill(pid, "SIGKILL");
  const { exitCode } = await run.ended;
  worker.kill("SIGTERM");
  const summary = JSON.parse((await worker.ended).stdout) as EventSourceSummary;
  const evidence = await readRun(state, "r");
  expect(exitCode).toBe(0);
  expectNothingLost({ ...evidence, requests: server.requests, ids: calls.map(({ id }) => id) });
  expect(summary.errors).toBeGreaterThan(0);
  expect(summary.messagesFailed).toBeGreaterThan(0);
}, 150_000);

test("throttled batches are tried again until there is room, and are made once", async () => {
  const server = await stage.startServer();
  const calls = callsTo(`${server.url}/slow/400`, "throttled", 40);
  const plan = stage.writePlan("throttled", calls, { lanes: { default: { concurrency: 10 } } });
  const state = stage.newState();
  const run = stage.start(["run", plan, "--no-worker", "--run-id", "r", "--state", state]);
  const words = ["worker", "--as", "lambda", "--timeout", "2s", "--batch-size", "2", "--json"];
  const worker = stage.start([...words, "--reserved-concurrency", "1", "--state", state]);
  const { exitCode } = await run.ended;
  worker.kill("SIGTERM");
  const summary = JSON.parse((await worker.ended).stdout) as EventSourceSummary;
  const evidence = await readRun(state, "r");
  expect(exitCode).toBe(0);
  expectNothingLost({ ...evidence, requests: server.requests, ids: calls.map(({ id }) => id) });
  expect(server.requests.length).toBe(calls.length);
  expect(summary).toMatchObject({ environments: 1, errors: 0 });
  expect(summary.throttles).toBeGreaterThan(0);
});

test.each([
  ["--max-concurrency below 2", ["--as", "lambda", "--max-concurrency", "1"], "from 2 to 100"],
  ["a function's option without --as lambda", ["--batch-size", "5"], "add --as lambda"],
  ["another host", ["--as", "fargate"], "lambda is the only other host"],
])("%s ends with 2", async (_name, words, message) => {
  const { exitCode, stderr } = await stage.run(["worker", ...words, "--state", stage.newState()]);
  expect({ exitCode, stderr }).toEqual({
    exitCode: 2,
    stderr: expect.stringContaining(message) as string,
  });
});
