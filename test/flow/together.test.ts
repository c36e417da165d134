import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import type { Figures } from "../../shared/model/figures.ts";
import type { BrokerRecord } from "../../shared/state/broker-record.ts";
import { figuresSchema } from "../support/figures-schema.ts";
import { FlowStage, callsTo, findRun, readRun } from "../support/flow-stage.ts";
import type { MisbehavingServer } from "../support/misbehaving-server.ts";
import { expectNothingLost } from "../support/run-invariants.ts";
import type { Ended, SenpuProcess } from "../support/senpu-process.ts";

const stage = new FlowStage("together");

interface Party {
  readonly run: string;
  readonly process: SenpuProcess;
  readonly server: MisbehavingServer;
  readonly ids: readonly string[];
  readonly state: string;
}

interface PartyOptions {
  readonly state: string;
  readonly path?: string;
  readonly count: number;
  readonly words?: readonly string[];
}

/** Starts `senpu run` with an API of its own, so that it is plain whose calls arrived. */
async function joinIn(run: string, options: PartyOptions): Promise<Party> {
  const { state, path = "/slow/50", count, words = [] } = options;
  const server = await stage.startServer();
  const calls = callsTo(`${server.url}${path}`, run, count);
  const plan = stage.writePlan(`${run}-${state.split("-").at(-1)}`, calls, {
    // A lane of its own, so that neither run waits for the other's calls; workers take those of both.
    lanes: { [`lane-${run}`]: { match: `${server.url}/**`, concurrency: 8 } },
    // The first is held at its gate for as long as the second takes to start.
    defaults: { timeout: "20s" },
  });
  const process = stage.start(["run", plan, "--json", "--run-id", run, "--state", state, ...words]);
  return { run, process, server, ids: calls.map(({ id }) => id), state };
}

async function expectSettled({ run, process, server, ids, state }: Party): Promise<void> {
  const ended = await process.ended;
  expect(ended.exitCode, ended.stderr).toBe(0);
  const figures = figuresSchema.parse(JSON.parse(ended.stdout)) as Figures;
  const { rows } = await readRun(state, run);
  expectNothingLost({ figures, rows, requests: server.requests, ids });
  expect(figures.succeeded).toBe(ids.length);
}

function expectEachOnce({ server, ids }: Party): void {
  expect(server.requests.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
}

/** Waits, and says what the process said if it ended before. */
async function reach({ process, server }: Party, requests: number): Promise<void> {
  const told = await Promise.race([
    server.waitForRequests(requests).then(() => undefined),
    process.ended,
  ]);
  expect(told?.stderr, "it ended too soon").toBeUndefined();
}

/** The process that holds the broker of the state folder, as it tells the others. */
function holderOf(state: string): number | undefined {
  try {
    const text = readFileSync(join(state, "broker.json"), "utf8");
    return (JSON.parse(text) as BrokerRecord).pid;
  } catch {
    return undefined;
  }
}

async function waitForRun(state: string, run: string): Promise<void> {
  await vi.waitFor(async () => expect(await findRun(state, run)).toBeDefined(), {
    timeout: 10_000,
    interval: 50,
  });
}

function drained(ended: Ended): void {
  expect({ exitCode: ended.exitCode, signal: ended.signal, stdout: ended.stdout }).toEqual({
    exitCode: 0,
    signal: null,
    stdout: "",
  });
}

/** The first run's calls are answered once the gate is open, so that it is there when the second joins. */
const startBoth = async (counts: { first: number; second: number }) => {
  const state = stage.newState();
  const gate = Promise.withResolvers<void>();
  stage.onClose(async () => gate.resolve());
  const first = await joinIn("first", { state, path: "/gate", count: counts.first });
  first.server.on("gate", async ({ response }) => {
    await gate.promise;
    response.writeHead(200).end();
  });
  await reach(first, 1);
  const second = await joinIn("second", { state, count: counts.second });
  await reach(second, 10);
  expect(holderOf(state)).toBe(first.process.pid);
  return { state, first, second, openGate: gate.resolve };
};

describe.concurrent("two runs in one state folder", () => {
  test("both settle, though the first, which holds the broker, ends before the second", async () => {
    const { state, first, second, openGate } = await startBoth({ first: 20, second: 700 });
    openGate();
    await expectSettled(first);
    await vi.waitFor(() => expect(holderOf(state)).toBe(second.process.pid), { timeout: 10_000 });
    expect(second.server.requests.length, "it is not over yet").toBeLessThan(700);
    await expectSettled(second);
    expectEachOnce(first);
    expectEachOnce(second);
  }, 150_000);

  test("the second settles when the first, which holds the broker, is killed; the first is resumed", async () => {
    const { state, first, second, openGate } = await startBoth({ first: 100, second: 200 });
    first.process.kill("SIGKILL");
    openGate();
    await vi.waitFor(() => expect(holderOf(state)).toBe(second.process.pid), { timeout: 10_000 });
    await expectSettled(second);
    // Until its heartbeat is dead; or the second's worker has made all that the first had published.
    await vi.waitFor(
      async () => expect((await readRun(state, "first")).figures.state).not.toBe("running"),
      { timeout: 50_000, interval: 200 },
    );
    const resumed = stage.start(["resume", "first", "--json", "--state", state]);
    await expectSettled({ ...first, process: resumed });
  }, 150_000);
});

describe.concurrent("the parts of a run as processes of their own", () => {
  test("`senpu worker` makes the calls of `senpu run --no-worker`", async () => {
    const state = stage.newState();
    const party = await joinIn("r", { state, count: 60, words: ["--no-worker"] });
    await waitForRun(state, "r");
    const worker = stage.start(["worker", "--state", state]);
    await expectSettled(party);
    worker.kill("SIGTERM");
    drained(await worker.ended);
    const { rows } = await readRun(state, "r");
    for (const row of rows) expect(row.worker).toContain(String(worker.pid));
    expectEachOnce(party);
  });

  test("`senpu worker` ends with 0 on SIGTERM, and what it had left another makes, every call once", async () => {
    const state = stage.newState();
    const party = await joinIn("r", { state, count: 200, words: ["--no-worker"] });
    await waitForRun(state, "r");
    const leaver = stage.start(["worker", "--state", state]);
    await reach(party, 30);
    leaver.kill("SIGTERM");
    drained(await leaver.ended);
    expect(party.server.requests.every(({ status }) => status === 200)).toBe(true);
    expect(party.server.requests.length).toBeLessThan(200);
    const stayer = stage.start(["worker", "--state", state]);
    await expectSettled(party);
    expectEachOnce(party);
    stayer.kill("SIGTERM");
    drained(await stayer.ended);
  });

  test("`senpu recorder` records the outcomes of `senpu run --no-recorder`", async () => {
    const state = stage.newState();
    const party = await joinIn("r", { state, count: 60, words: ["--no-recorder"] });
    await reach(party, 60);
    expect(await findRun(state, "r"), "nobody has recorded").toMatchObject({ planned: 0 });
    const recorder = stage.start(["recorder", "--state", state]);
    await expectSettled(party);
    recorder.kill("SIGTERM");
    drained(await recorder.ended);
    expectEachOnce(party);
  });
});

interface Cancelled extends Party {
  readonly cancel: Ended;
  readonly cancelledAt: number;
  readonly ended: Ended;
}
const cancelHalfWay = async (): Promise<Cancelled> => {
  const state = stage.newState();
  const party = await joinIn("r", { state, path: "/slow/200", count: 400 });
  await reach(party, 40);
  const cancel = await stage.run(["cancel", "r", "--json", "--state", state]);
  const cancelledAt = performance.timeOrigin + performance.now();
  return { ...party, cancel, cancelledAt, ended: await party.process.ended };
};

describe("`senpu cancel` from a second terminal", () => {
  let running: Promise<Cancelled> | undefined;
  const cancelled = (): Promise<Cancelled> => (running ??= cancelHalfWay());

  test("ends with 0, and the run with 1", async () => {
    const { cancel, ended } = await cancelled();
    expect([cancel.exitCode, ended.exitCode]).toEqual([0, 1]);
  });

  test("leaves a cancelled run whose figures add up", async () => {
    const { ended, ids } = await cancelled();
    const figures = figuresSchema.parse(JSON.parse(ended.stdout));
    expect(figures).toMatchObject({
      state: "cancelled",
      planned: ids.length,
      failed: 0,
      pending: 0,
    });
    expect(figures.cancelled).toBeGreaterThan(0);
  });

  test("lets no further call start after a second", async () => {
    const { server, cancelledAt } = await cancelled();
    const last = Math.max(...server.requests.map(({ arrivedAt }) => arrivedAt));
    expect(last - cancelledAt).toBeLessThan(1_000);
  });

  test("lets the calls in flight finish, and records them as they ended", async () => {
    const { server, state } = await cancelled();
    const { rows } = await readRun(state, "r");
    const made = rows.filter((row) => row.state === "succeeded").map(({ id }) => id);
    expect(server.requests.every(({ status }) => status === 200)).toBe(true);
    expect(made.toSorted()).toEqual(server.requests.map(({ id }) => id).toSorted());
  });

  test("cannot be resumed", async () => {
    const { state } = await cancelled();
    const { exitCode, stderr } = await stage.run(["resume", "r", "--state", state]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^senpu: run r is cancelled: .*\n$/);
  });
});
