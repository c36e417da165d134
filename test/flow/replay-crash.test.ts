import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { Hold } from "../../producer/replay/hold.ts";
import { nameRequest } from "../../producer/replay/request.ts";
import type { ReplayRequest } from "../../producer/replay/request.ts";
import { failedQueue } from "../../shared/broker/broker.ts";
import { openSqliteLedger } from "../../shared/ledger/sqlite-ledger.ts";
import type { Figures } from "../../shared/model/figures.ts";
import { openSession } from "../../shared/session.ts";
import type { CrashPoint } from "../support/crash-point.ts";
import { copyState, startMendableServer } from "../support/failed-run.ts";
import type { MendableServer } from "../support/failed-run.ts";
import { FlowStage, callsTo, readRun } from "../support/flow-stage.ts";
import type { ReplayCrashOptions } from "../support/replay-crash-child.ts";
import { expectNothingLost } from "../support/run-invariants.ts";

/** Rows of test/crash-table.md: a replay dies there, is gone on with, and nothing is lost. */
const POINTS: Record<string, CrashPoint> = {
  "D1 before the replay is stored": { port: "ledger", method: "createRun", when: "before" },
  "D1 after the replay is stored": { port: "ledger", method: "createRun", when: "after" },
  "D2 before its calls are published": {
    port: "broker",
    method: "publish",
    match: '^."calls"',
    when: "before",
  },
  "D2 after some of its calls are published": {
    port: "broker",
    method: "publish",
    match: '^."calls"',
    when: "after",
  },
  "D2 after the closing record": {
    port: "broker",
    method: "publish",
    match: '"kind":"closed"',
    when: "after",
  },
  "D3 before letters are deleted": {
    port: "broker",
    method: "remove",
    match: '-failed"',
    when: "before",
  },
  "D3 after letters are deleted": {
    port: "broker",
    method: "remove",
    match: '-failed"',
    when: "after",
  },
};

/** The one that goes on dies too: letters are deleted by the receipts that were noted, and then looked for. */
const RESUME_POINTS: Record<string, CrashPoint> = {
  "D4 before noted letters are deleted": POINTS["D3 before letters are deleted"] as CrashPoint,
  "D4 after noted letters are deleted": POINTS["D3 after letters are deleted"] as CrashPoint,
};

const stage = new FlowStage("replay-crash");
const CHOSEN = 60;
const OTHERS = 15;
const ids = callsTo("", "refused", CHOSEN).map(({ id }) => id);
const request: ReplayRequest = {
  of: "first",
  filter: { status: { from: 503, to: 503 } },
  assignments: [],
  edit: false,
  allow: [],
  overrides: {},
};
let server: MendableServer;
let original: string;

beforeAll(async () => {
  server = await startMendableServer(stage);
  const calls = [
    // Slow enough that a replay dies before it settles.
    ...callsTo(`${server.url}/until/503?delay=300`, "refused", CHOSEN),
    ...callsTo(`${server.url}/until/404`, "missing", OTHERS),
  ];
  const plan = stage.writePlan("first", calls, { retry: { attempts: 1 } });
  original = stage.newState();
  await stage.run(["run", plan, "--run-id", "first", "--state", original, "--quiet"]);
  server.mend();
});

async function dieAt(state: string, crash: CrashPoint): Promise<void> {
  const options: ReplayCrashOptions = { state, request, crash };
  const module = new URL("../support/replay-crash-child.ts", import.meta.url);
  const child = fork(module, [JSON.stringify(options)], {
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  expect({ code, signal }).toEqual({ code: null, signal: "SIGKILL" });
  const ledger = openSqliteLedger(`${state}/ledger.db`);
  // Nobody waits here for the heartbeat to die; the replay is known to be dead.
  for (const { id, state: was } of await ledger.listRuns(10)) {
    if (was === "running") await ledger.setState(id, "interrupted", "test", Date.now());
  }
  await ledger.close();
}

/** Read to the end, and given back. What a dead process had received comes back within its visibility of 2 seconds. */
async function lettersIn(state: string): Promise<number> {
  const session = await openSession({ state });
  const hold = new Hold(session.broker);
  try {
    const queue = failedQueue("default");
    const { read, elsewhere } = await hold.read({ queue, onDelivery: () => {} });
    expect(elsewhere, "nobody holds any").toBe(0);
    return read;
  } finally {
    await hold.release();
    await session.close();
  }
}

async function goOn(state: string, words: readonly string[]): Promise<Figures> {
  const ended = await stage.run([...words, "--json", "--state", state]);
  expect(ended.stderr).not.toContain("senpu:");
  return JSON.parse(ended.stdout) as Figures;
}

const again = ["replay", "first", "--status", "503"];

/** Each chosen call is accounted once, in one replay; the other letters are still there. */
async function expectWhole(state: string, figures: Figures, seen: number): Promise<void> {
  const requests = server.requests.slice(seen);
  const { rows } = await readRun(state, figures.run);
  expectNothingLost({ figures, rows, requests, ids });
  expect(figures).toMatchObject({ parent: "first", succeeded: CHOSEN });
  const ledger = openSqliteLedger(`${state}/ledger.db`);
  expect(await ledger.listRuns(10), "the run, and one replay of it").toHaveLength(2);
  await ledger.close();
  for (const id of ids) {
    expect(requests.filter((each) => each.id === id).length, id).toBeLessThanOrEqual(2);
  }
  expect(await lettersIn(state)).toBe(OTHERS);
}

describe("a replay that dies is gone on with by the same command", () => {
  test.each(Object.keys(POINTS))("%s", async (name) => {
    const state = copyState(stage, original);
    const seen = server.requests.length;
    await dieAt(state, POINTS[name] as CrashPoint);
    if (name === "D1 before the replay is stored") {
      expect(await lettersIn(state)).toBe(CHOSEN + OTHERS);
    }
    await expectWhole(state, await goOn(state, again), seen);
  });
});

describe("a replay that dies twice is gone on with by `senpu resume`", () => {
  test.each(Object.keys(RESUME_POINTS))("%s", async (name) => {
    const state = copyState(stage, original);
    const seen = server.requests.length;
    await dieAt(state, POINTS["D2 after some of its calls are published"] as CrashPoint);
    await dieAt(state, RESUME_POINTS[name] as CrashPoint);
    const ledger = openSqliteLedger(`${state}/ledger.db`);
    const [newest] = await ledger.listRuns(1);
    await ledger.close();
    expect(JSON.parse(newest!.source)).toMatchObject({ replay: { request: nameRequest(request) } });
    await expectWhole(state, await goOn(state, ["resume", newest!.id]), seen);
  });
});

test("another choice leaves the letters of a replay that has not ended to that replay", async () => {
  const state = copyState(stage, original);
  await dieAt(state, POINTS["D2 after some of its calls are published"] as CrashPoint);
  await lettersIn(state);
  const rest = await stage.run(["replay", "first", "--json", "--state", state]);
  expect(JSON.parse(rest.stdout)).toMatchObject({ planned: OTHERS, succeeded: OTHERS });
  expect(rest.stderr).toMatch(
    /60 letters are left to replay 2\S+, which has not ended; senpu resume/,
  );
  await goOn(state, again);
  expect(await lettersIn(state)).toBe(0);
});

test("letters that a settled replay left behind are deleted, and their calls not made again", async () => {
  const state = copyState(stage, original);
  const seen = server.requests.length;
  await dieAt(state, POINTS["D3 before letters are deleted"] as CrashPoint);
  // Others work and record: it settles without its producer, and nobody resumes it.
  const recorder = stage.start(["recorder", "--state", state, "--quiet"]);
  const worker = stage.start(["worker", "--state", state, "--quiet"]);
  const ledger = openSqliteLedger(`${state}/ledger.db`);
  const [replay] = await ledger.listRuns(1);
  const { coordination, close } = await openSession({ state });
  await coordination.setControl(replay!.id, { generation: 1, state: "running" });
  await expect
    .poll(async () => (await ledger.findRun(replay!.id))?.state, { timeout: 20_000 })
    .toBe("settled");
  await close();
  await ledger.close();
  worker.kill("SIGTERM");
  recorder.kill("SIGTERM");
  await Promise.all([worker.ended, recorder.ended]);
  const made = server.requests.length - seen;
  const ended = await stage.run([...again, "--state", state]);
  expect(ended.exitCode).toBe(2);
  expect(ended.stderr).toMatch(/60 calls have succeeded since/);
  expect(server.requests.length - seen).toBe(made);
  expect(await lettersIn(state)).toBe(OTHERS);
});

test("each of these points is a row of the crash table", () => {
  const table = readFileSync(new URL("../crash-table.md", import.meta.url), "utf8");
  const rows = new Set([...table.matchAll(/^\| ([A-Z]\d+) \|/gm)].map((match) => match[1]));
  for (const name of Object.keys({ ...POINTS, ...RESUME_POINTS })) {
    expect(rows).toContain(name.split(" ")[0]);
  }
});
