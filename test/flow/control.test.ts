import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { openSqliteCoordination } from "../../shared/coordination/sqlite-coordination.ts";
import type { Figures } from "../../shared/model/figures.ts";
import { figuresSchema } from "../support/figures-schema.ts";
import { FlowStage, callsTo, readRun } from "../support/flow-stage.ts";
import type { MisbehavingServer } from "../support/misbehaving-server.ts";
import { expectNothingLost } from "../support/run-invariants.ts";
import type { Ended } from "../support/senpu-process.ts";

const stage = new FlowStage("control");

function now(): number {
  return performance.timeOrigin + performance.now();
}

function figuresOf({ stdout, stderr }: Ended): Figures {
  expect(stdout, stderr).not.toBe("");
  return figuresSchema.parse(JSON.parse(stdout));
}

function madeTwice(server: MisbehavingServer): string[] {
  const seen = Map.groupBy(server.requests, ({ id }) => id);
  return [...seen].filter(([, requests]) => requests.length > 1).map(([id]) => id);
}

/** Ids of requests that were open at that moment. */
function openAt(server: MisbehavingServer, at: number): Set<string> {
  return new Set(
    server.requests
      .filter(({ arrivedAt, endedAt }) => arrivedAt <= at + 2_000 && (endedAt ?? Infinity) >= at)
      .map(({ id }) => id),
  );
}

function arrivals(server: MisbehavingServer, from: number, to: number): number {
  return server.requests.filter(({ arrivedAt }) => arrivedAt > from && arrivedAt < to).length;
}

describe("a run of 4,000 calls with three worker processes", () => {
  test("is silent two seconds after `senpu pause` has returned; unpaused, it makes every call once", async () => {
    const server = await stage.startServer();
    const calls = callsTo(`${server.url}/ok?delay=10`, "c", 4_000);
    const plan = stage.writePlan("large", calls, { lanes: { default: { concurrency: 24 } } });
    const where = ["--state", stage.newState()] as const;
    const running = stage.start([
      "run",
      plan,
      "--run-id",
      "r",
      "--json",
      "--workers",
      "3",
      ...where,
    ]);
    await server.waitForRequests(1_000);

    const startedAt = now();
    const paused = await stage.run(["pause", "r", "--json", ...where]);
    const pausedAt = now();
    expect(paused.exitCode, paused.stderr).toBe(0);
    expect(figuresOf(paused)).toMatchObject({ state: "paused" });
    await running.waitForStderr(
      /paused by senpu pause \(process \d+, user .+\); npx senpu unpause r/,
    );
    await sleep(4_000);
    const unpausedAt = now();
    expect(arrivals(server, pausedAt + 2_000, unpausedAt)).toBe(0);
    expect(server.requests.length).toBeLessThan(4_000);

    const unpaused = await stage.run(["unpause", "r", "--json", ...where]);
    expect(unpaused.exitCode, unpaused.stderr).toBe(0);
    const ended = await running.ended;
    expect(ended.exitCode, ended.stderr).toBe(0);
    const { figures, rows } = await readRun(where[1], "r");
    const ids = calls.map(({ id }) => id);
    expectNothingLost({ figures, rows, requests: server.requests, ids });
    expect(figuresOf(ended)).toMatchObject({ state: "settled", succeeded: 4_000 });
    const inFlight = openAt(server, startedAt);
    expect(madeTwice(server).filter((id) => !inFlight.has(id))).toEqual([]);
  }, 240_000);
});

describe.concurrent("a run that is controlled from another process", () => {
  test("read from standard input, paused, and its process killed: `senpu unpause` conducts the rest", async () => {
    const server = await stage.startServer();
    // Some 8 s of calls: enough to start `senpu pause` in, on a busy machine too.
    const calls = callsTo(`${server.url}/ok?delay=50`, "k", 1_000);
    const state = stage.newState();
    const where = ["--json", "--state", state];
    const words = ["run", "-", "--run-id", "r", "--allow", "127.0.0.1", "--concurrency", "6"];
    const stdin = calls.map((call) => `${JSON.stringify(call)}\n`).join("");
    const running = stage.start([...words, ...where], { stdin });
    await server.waitForRequests(150);
    const paused = await stage.run(["pause", "r", ...where]);
    expect(paused.exitCode, paused.stderr).toBe(0);
    const inFlight = openAt(server, now() - paused.elapsedMs);
    await running.waitForStderr(/paused by senpu pause/);
    // Its slots would else be waited for until their lease ends.
    const coordination = openSqliteCoordination(join(state, "coordination.db"));
    await vi.waitFor(async () => expect(await coordination.leased("default", Date.now())).toBe(0), {
      timeout: 60_000,
    });
    await coordination.close();
    const gone = once(running.child, "exit");
    running.kill("SIGKILL");
    await gone;
    expect((await readRun(state, "r")).figures.state).toBe("paused");

    const unpaused = await stage.run(["unpause", "r", ...where]);
    expect(unpaused.exitCode, unpaused.stderr).toBe(0);
    const { figures, rows } = await readRun(state, "r");
    const ids = calls.map(({ id }) => id);
    expectNothingLost({ figures, rows, requests: server.requests, ids });
    expect(figures.succeeded).toBe(1_000);
    expect(madeTwice(server).filter((id) => !inFlight.has(id))).toEqual([]);
  }, 120_000);

  test("is cancelled: silent two seconds later, and its own process ends with 1 and says by whom", async () => {
    const server = await stage.startServer();
    const calls = callsTo(`${server.url}/slow/30`, "x", 3_000);
    const plan = stage.writePlan("cancelled", calls, { lanes: { default: { concurrency: 6 } } });
    const where = ["--json", "--state", stage.newState()];
    const running = stage.start(["run", plan, "--run-id", "r", "--workers", "2", ...where]);
    await server.waitForRequests(100);
    const cancelled = await stage.run(["cancel", "r", ...where]);
    const cancelledAt = now();
    expect(cancelled.exitCode, cancelled.stderr).toBe(0);
    const ended = await running.ended;
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr).toMatch(/^Cancelled by senpu cancel \(process \d+, user .+\)\.$/m);
    const figures = figuresOf(ended);
    expect(figures).toMatchObject({ state: "cancelled", pending: 0, failed: 0 });
    expect(figures.succeeded).toBe(server.requests.length);
    expect(arrivals(server, cancelledAt + 2_000, Infinity)).toBe(0);
  }, 120_000);

  test("is stopped by its tolerance, stopped again by as many failures anew, and settles without one", async () => {
    const server = await stage.startServer();
    let isBroken = true;
    server.on("moody", ({ response }) => void response.writeHead(isBroken ? 404 : 200).end());
    const calls = callsTo(`${server.url}/moody?delay=20`, "t", 400);
    const plan = stage.writePlan("tolerant", calls, {
      lanes: { default: { concurrency: 2 } },
      tolerance: "5%",
    });
    const where = ["--state", stage.newState()];
    const stopped = await stage.run(["run", plan, "--run-id", "r", "--no-color", ...where]);
    expect(stopped.exitCode).toBe(1);
    expect(stopped.stdout).toMatch(
      /Stopped by its tolerance: \d+ of 400 calls failed: more than the 5 % it\stolerates\./,
    );
    expect(stopped.stdout).toContain("npx senpu calls r --reason rejected --status 404");
    expect(stopped.stdout).toContain("npx senpu resume r");
    const made = server.requests.length;
    expect(made).toBeLessThan(400);

    const again = await stage.run(["resume", "r", "--json", ...where]);
    expect(again.exitCode, again.stderr).toBe(1);
    expect(again.stderr).toMatch(
      /^Stopped by its tolerance: \d+ of 400 calls failed since it was/m,
    );
    const before = figuresOf(again);
    expect(before).toMatchObject({ state: "stopped", failed: server.requests.length });
    expect(before.failed - made).toBeGreaterThan(20);
    expect(before.failed).toBeLessThan(400);

    isBroken = false;
    const last = await stage.run(["resume", "r", "--tolerance", "off", "--json", ...where]);
    expect(last.exitCode, last.stderr).toBe(1);
    const { failed } = before;
    expect(figuresOf(last)).toMatchObject({ state: "settled", failed, succeeded: 400 - failed });
    expect(madeTwice(server)).toEqual([]);
  }, 120_000);
});
