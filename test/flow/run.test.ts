import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { CallRow } from "../../shared/ledger/ledger.ts";
import type { Figures } from "../../shared/model/figures.ts";
import { callRowSchema, figuresSchema, parseJsonLines } from "../support/figures-schema.ts";
import { FlowStage, callsTo, readRun } from "../support/flow-stage.ts";
import { startMisbehavingServerInThread } from "../support/misbehaving-server.ts";
import type { MisbehavingServer } from "../support/misbehaving-server.ts";
import { expectNothingLost } from "../support/run-invariants.ts";
import type { Ended } from "../support/senpu-process.ts";
import { expectRateHeld } from "../support/expect-rate-held.ts";

const stage = new FlowStage("run");

interface Finished {
  readonly ended: Ended;
  readonly figures: Figures;
  readonly state: string;
  readonly plan: string;
  readonly ids: readonly string[];
  readonly server: MisbehavingServer;
}

/** 2,000 calls to an API that refuses every tenth try, seeded so that none uses up its attempts. */
async function runLarge(): Promise<Finished> {
  const server = await stage.startServer();
  const calls = callsTo(`${server.url}/random/x?rate=0.1&seed=7`, "call", 2_000);
  const plan = stage.writePlan("large", calls);
  const state = stage.newState();
  const ended = await stage.run(["run", plan, "--json", "--run-id", "large", "--state", state]);
  const figures = JSON.parse(ended.stdout) as Figures;
  return { ended, figures, state, plan, ids: calls.map(({ id }) => id), server };
}

/** One run for several tests: what each of them looks at is another side of it. */
let large: Promise<Finished> | undefined;
const finishLarge = (): Promise<Finished> => (large ??= runLarge());

describe("2,000 calls to an API that refuses one try in ten", () => {
  test("all succeed, and the run ends with 0", async () => {
    const { ended, figures } = await finishLarge();
    expect(ended.exitCode).toBe(0);
    expect(figures).toMatchObject({ planned: 2_000, succeeded: 2_000, failed: 0, pending: 0 });
  });

  test("the figures, the ledger and the API's own log add up", async () => {
    const { figures, state, ids, server } = await finishLarge();
    const { rows } = await readRun(state, "large");
    expectNothingLost({ figures, rows, requests: server.requests, ids });
    expect(figures.attempts).toBe(server.requests.length);
    expect(figures.duplicates).toBe(0);
  });

  test("`senpu calls --json` tells as many attempts of each call as reached the API", async () => {
    const { state, server } = await finishLarge();
    const { stdout, exitCode } = await stage.run(["calls", "large", "--json", "--state", state]);
    expect(exitCode).toBe(0);
    const rows = parseJsonLines(stdout) as CallRow[];
    const told = Object.fromEntries(rows.map(({ id, attempts }) => [id, attempts]));
    const seen: Record<string, number> = {};
    for (const { id } of server.requests) seen[id] = (seen[id] ?? 0) + 1;
    expect(told).toEqual(seen);
  });

  test("`senpu run --json` writes one JSON value on stdout, of the contract's shape", async () => {
    const { ended } = await finishLarge();
    expect(ended.stdout.trimEnd()).not.toContain("\n");
    figuresSchema.parse(JSON.parse(ended.stdout));
  });

  test("`senpu status --json` writes the same figures", async () => {
    const { figures, state } = await finishLarge();
    const { stdout } = await stage.run(["status", "large", "--json", "--state", state]);
    expect(figuresSchema.parse(JSON.parse(stdout))).toEqual(figures);
  });

  test("each line of `senpu calls --json` has the contract's shape", async () => {
    const { state } = await finishLarge();
    const { stdout } = await stage.run([
      "calls",
      "large",
      "--json",
      "--limit",
      "50",
      "--state",
      state,
    ]);
    const rows = parseJsonLines(stdout);
    expect(rows).toHaveLength(50);
    for (const row of rows) callRowSchema.parse(row);
  });

  test("the same --run-id with the same plan tells the figures again, and calls nothing", async () => {
    const { figures, plan, state, server } = await finishLarge();
    const before = server.requests.length;
    const words = ["run", plan, "--json", "--run-id", "large", "--state", state];
    const { exitCode, stdout } = await stage.run(words);
    expect({ exitCode, figures: JSON.parse(stdout) }).toEqual({ exitCode: 0, figures });
    expect(server.requests.length).toBe(before);
  });

  test("the same --run-id with another plan is refused, and calls nothing", async () => {
    const { figures, state, server } = await finishLarge();
    const before = server.requests.length;
    const other = stage.writePlan("other", callsTo(`${server.url}/ok`, "other", 1));
    const { exitCode, stdout, stderr } = await stage.run([
      "run",
      other,
      "--json",
      "--run-id",
      "large",
      "--state",
      state,
    ]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toMatch(
      /^senpu: run large was begun from .*large\.json, and .*other\.json is another plan; .*\n$/,
    );
    expect(server.requests.length).toBe(before);
    expect((await readRun(state, "large")).figures).toEqual(figures);
  });
});

test("a run with a failed call ends with 1", async () => {
  const server = await stage.startServer();
  const plan = stage.writePlan("one-fails", [
    { id: "good", url: `${server.url}/ok` },
    { id: "gone", url: `${server.url}/status/404` },
  ]);
  const { exitCode, stdout } = await stage.run([
    "run",
    plan,
    "--json",
    "--state",
    stage.newState(),
  ]);
  expect(exitCode).toBe(1);
  expect(figuresSchema.parse(JSON.parse(stdout))).toMatchObject({
    succeeded: 1,
    failed: 1,
    failures: [{ reason: "rejected", status: 404, count: 1 }],
  });
});

test("a plan with a mistake ends with 2, sends nothing and makes no folder", async () => {
  const server = await stage.startServer();
  const plan = stage.write("mistake.yaml", `calls:\n  - ${server.url}/ok\n  - { method: GET }\n`);
  const state = stage.newState();
  const { exitCode, stdout, stderr } = await stage.run(["run", plan, "--state", state]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(stderr).toMatch(/^senpu: .*mistake\.yaml:3:\d+ .*url/);
  expect(server.requests).toHaveLength(0);
  expect(existsSync(state)).toBe(false);
});

interface Shared {
  readonly ended: Ended;
  readonly rows: readonly CallRow[];
  readonly ids: readonly string[];
  readonly server: MisbehavingServer;
}
const runShared = async (): Promise<Shared> => {
  const server = await stage.startServer();
  const calls = callsTo(`${server.url}/slow/40`, "shared", 200);
  const plan = stage.writePlan("shared", calls, { lanes: { default: { concurrency: 6 } } });
  const state = stage.newState();
  const ended = await stage.run([
    "run",
    plan,
    "--workers",
    "2",
    "--json",
    "--run-id",
    "shared",
    "--state",
    state,
  ]);
  const { rows } = await readRun(state, "shared");
  return { ended, rows, ids: calls.map(({ id }) => id), server };
};

describe("two worker processes", () => {
  let shared: Promise<Shared> | undefined;

  test("make every call once", async () => {
    const { ended, rows, ids, server } = await (shared ??= runShared());
    expect(ended.exitCode).toBe(0);
    expectNothingLost({ figures: JSON.parse(ended.stdout), rows, requests: server.requests, ids });
    expect(server.requests.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
  });

  test("have no more calls in flight together than the lane allows, and all it allows", async () => {
    const { server } = await (shared ??= runShared());
    expect(server.maxConcurrent).toBe(6);
  });

  test("both work", async () => {
    const { rows } = await (shared ??= runShared());
    expect(new Set(rows.map(({ worker }) => worker)).size).toBe(2);
  });
});

test("calls come from standard input, a line each", async () => {
  const server = await stage.startServer();
  const calls = callsTo(`${server.url}/ok`, "line", 30);
  const stdin = calls.map((call) => `${JSON.stringify(call)}\n`).join("");
  const words = ["run", "-", "--json", "--allow", "127.0.0.1", "--state", stage.newState()];
  const { exitCode, stdout } = await stage.run(words, { stdin });
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ name: "stdin", planned: 30, succeeded: 30 });
  expect(server.requests.map(({ id }) => id).toSorted()).toEqual(
    calls.map(({ id }) => id).toSorted(),
  );
});

test("--rate 20/s holds at the API, second by second", async () => {
  // In a thread of its own: this one may be late to see what arrives.
  const server = await startMisbehavingServerInThread();
  stage.onClose(() => server.close());
  const plan = stage.writePlan("paced", callsTo(`${server.url}/ok`, "paced", 70));
  const words = ["run", plan, "--json", "--rate", "20/s", "--state", stage.newState()];
  const { exitCode } = await stage.run(words);
  expect(exitCode).toBe(0);
  const { requests } = await server.log();
  expect(requests).toHaveLength(70);
  expectRateHeld(requests, 20);
  const arrivals = requests.map(({ arrivedAt }) => arrivedAt);
  const spanMs = Math.max(...arrivals) - Math.min(...arrivals);
  expect(spanMs, "it is not far slower than asked for").toBeLessThan(7_000);
});
