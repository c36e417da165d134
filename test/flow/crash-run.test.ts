import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readPlan } from "../../producer/plan/read.ts";
import { runPlan } from "../../producer/run/run-plan.ts";
import { openSqliteLedger } from "../../shared/ledger/sqlite-ledger.ts";
import type { CrashChildOptions } from "../support/crash-child.ts";
import type { CrashPoint } from "../support/crash-point.ts";
import { startMisbehavingServer } from "../support/misbehaving-server.ts";
import type { MisbehavingServer } from "../support/misbehaving-server.ts";
import {
  expectNothingLost,
  expectUnsafeOnce,
  gatherRows,
  madeAgain,
} from "../support/run-invariants.ts";
import type { RunEvidence } from "../support/run-invariants.ts";

/** Rows of test/crash-table.md: a whole run dies there, is resumed, and nothing is lost. */
const POINTS: Record<string, CrashPoint> = {
  "P1 before the run is stored": { port: "ledger", method: "createRun", when: "before" },
  "P1 after the run is stored": { port: "ledger", method: "createRun", when: "after" },
  "P2 before its lanes are claimed": { port: "coordination", method: "claimLanes", when: "before" },
  "P2 after its lanes are claimed": { port: "coordination", method: "claimLanes", when: "after" },
  "P3 before its generation is told": {
    port: "coordination",
    method: "setControl",
    when: "before",
  },
  "P4 before the first chunks are published": {
    port: "broker",
    method: "publish",
    match: '^."calls"',
    when: "before",
  },
  "P4 after the first chunks are published": {
    port: "broker",
    method: "publish",
    match: '^."calls"',
    when: "after",
  },
  "P5 before the closing record": {
    port: "broker",
    method: "publish",
    match: '"kind":"closed"',
    when: "before",
  },
  "P5 after the closing record": {
    port: "broker",
    method: "publish",
    match: '"kind":"closed"',
    when: "after",
  },
  "W1 before outcomes are published": {
    port: "broker",
    method: "publish",
    match: '^."outcomes"',
    when: "before",
  },
  "W1 after outcomes are published": {
    port: "broker",
    method: "publish",
    match: '^."outcomes"',
    when: "after",
  },
  "W2 before a letter is sent": {
    port: "broker",
    method: "send",
    match: '-failed"',
    when: "before",
  },
  "W2 after a letter is sent": { port: "broker", method: "send", match: '-failed"', when: "after" },
  "W3 before calls are put back": {
    port: "broker",
    method: "send",
    match: '^."lane-default"',
    when: "before",
  },
  "W3 after calls are put back": {
    port: "broker",
    method: "send",
    match: '^."lane-default"',
    when: "after",
  },
  "W4 before a chunk is removed": {
    port: "broker",
    method: "remove",
    match: '^."lane-default"',
    when: "before",
  },
  "W4 after a chunk is removed": {
    port: "broker",
    method: "remove",
    match: '^."lane-default"',
    when: "after",
  },
  "W5 before unsafe calls are marked": {
    port: "coordination",
    method: "writeCheckpoint",
    when: "before",
  },
  "W5 after unsafe calls are marked": {
    port: "coordination",
    method: "writeCheckpoint",
    when: "after",
  },
  "W6 before a chunk is marked as over": {
    port: "coordination",
    method: "endChunks",
    when: "before",
  },
  "W7 while slots are leased": { port: "coordination", method: "lease", nth: 2, when: "after" },
  "R1 before records are committed": { port: "ledger", method: "record", nth: 2, when: "before" },
  "R1 after records are committed": { port: "ledger", method: "record", nth: 2, when: "after" },
  "R2 before recorded messages are removed": {
    port: "broker",
    method: "remove",
    match: '^."ledger"',
    when: "before",
  },
  "R2 after recorded messages are removed": {
    port: "broker",
    method: "remove",
    match: '^."ledger"',
    when: "after",
  },
  "P6 before the run's lanes are released": {
    port: "coordination",
    method: "releaseLanes",
    when: "before",
  },
};

const RESUME_POINTS: Record<string, CrashPoint> = {
  "P7 before a resume holds the old generation": {
    port: "coordination",
    method: "setControl",
    match: "interrupted",
    when: "before",
  },
  "P8 before the next generation is stored": {
    port: "ledger",
    method: "restartRun",
    when: "before",
  },
  "P8 after the next generation is stored": { port: "ledger", method: "restartRun", when: "after" },
  "P9 before an unknown result is told of": {
    port: "broker",
    method: "publish",
    match: '^."outcomes".*under way',
    when: "before",
  },
  "P9 after an unknown result is told of": {
    port: "broker",
    method: "publish",
    match: '^."outcomes".*under way',
    when: "after",
  },
};

const RUN = "crashed";
const folder = mkdtempSync(join(tmpdir(), "senpu-crash-"));
const ids: string[] = [];
let server: MisbehavingServer;
let planPath: string;
let deferringPlanPath: string;

beforeAll(async () => {
  server = await startMisbehavingServer();
  const calls: object[] = [];
  const add = (id: string, path: string, more: object = {}): void => {
    ids.push(id);
    calls.push({
      id,
      url: `${server.url}${path}${path.includes("?") ? "&" : "?"}id=${id}`,
      ...more,
    });
  };
  // First, so that they are under way, however slow the machine, when the first outcomes leave.
  for (let i = 0; i < 8; i++) add(`post-${i}`, "/ok?delay=5", { method: "POST", json: { i } });
  for (let i = 0; i < 40; i++) add(`get-${i}`, "/ok?delay=5");
  for (let i = 0; i < 4; i++) add(`flaky-${i}`, "/flaky/x?fails=1");
  add("gone", "/status/404");
  const settings = {
    name: "crash",
    lanes: { default: { concurrency: 6 } },
    retry: { backoff: { first: "20ms", max: "100ms" } },
    allow: ["127.0.0.1"],
  };
  planPath = join(folder, "plan.json");
  writeFileSync(planPath, JSON.stringify({ ...settings, calls }));
  // A Retry-After beyond what a worker waits for: put back.
  const later = { id: "later", url: `${server.url}/first-busy?id=later` };
  deferringPlanPath = join(folder, "deferring.json");
  writeFileSync(deferringPlanPath, JSON.stringify({ ...settings, calls: [...calls, later] }));
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Staged {
  readonly state: string;
  readonly path: string;
  readonly ids: readonly string[];
  /** Requests that the server had seen before. */
  readonly seen: number;
}

function stage(deferring: boolean): Staged {
  const asked = new Set<string>();
  server.on("first-busy", ({ id, response }) => {
    if (asked.has(id)) response.writeHead(200).end();
    else response.writeHead(503, { "retry-after": "6" }).end();
    asked.add(id);
  });
  return {
    state: mkdtempSync(join(folder, "state-")),
    path: deferring ? deferringPlanPath : planPath,
    ids: deferring ? [...ids, "later"] : ids,
    seen: server.requests.length,
  };
}

/** A process conducts the run, begun before or not, and dies at that point. */
async function dieAt({ state, path }: Staged, crash: CrashPoint): Promise<void> {
  const options: CrashChildOptions = { role: "run", state, plan: path, run: RUN, crash };
  const module = new URL("../support/crash-child.ts", import.meta.url);
  const child = fork(module, [JSON.stringify(options)], {
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  expect({ code, signal }).toEqual({ code: null, signal: "SIGKILL" });
  // Nobody waits here for the heartbeat to die; the run is known to be dead.
  const ledger = openSqliteLedger(join(state, "ledger.db"));
  if ((await ledger.findRun(RUN)) !== undefined) {
    await ledger.setState(RUN, "interrupted", "test", Date.now());
  }
  await ledger.close();
}

async function resume({ state, path, ids, seen }: Staged): Promise<RunEvidence> {
  const plan = await readPlan({ path, spoolDir: join(state, "spool"), runId: RUN });
  const figures = await runPlan(
    plan,
    { loadConsumer: () => import("../../consumer/index.ts") },
    { state, run: RUN, by: "test", signal: new AbortController().signal },
  );
  const ledger = openSqliteLedger(join(state, "ledger.db"));
  const rows = await gatherRows(ledger, RUN);
  await ledger.close();
  return { figures, rows, requests: server.requests.slice(seen), ids };
}

function expectWhole(evidence: RunEvidence): void {
  expectNothingLost(evidence);
  expectUnsafeOnce(evidence);
  const gone = evidence.rows.find((row) => row.id === "gone");
  expect(gone).toMatchObject({ state: "failed", status: 404 });
}

describe("a run that dies is resumed, and nothing is lost", () => {
  test.each(Object.keys(POINTS))("%s", async (name) => {
    const staged = stage(name.startsWith("W3"));
    await dieAt(staged, POINTS[name] as CrashPoint);
    const evidence = await resume(staged);
    expectWhole(evidence);
    // Only what was in flight, or answered and not yet told of; what was told of is never made again.
    expect(madeAgain(evidence).length).toBeLessThanOrEqual(staged.ids.length);
  });
});

describe("a resume that dies is resumed, and nothing is lost", () => {
  test.each(Object.keys(RESUME_POINTS))("%s", async (name) => {
    const staged = stage(false);
    await dieAt(staged, POINTS["W1 before outcomes are published"] as CrashPoint);
    await dieAt(staged, RESUME_POINTS[name] as CrashPoint);
    expectWhole(await resume(staged));
  });
});

test("each of these points is a row of the crash table", () => {
  const table = readFileSync(new URL("../crash-table.md", import.meta.url), "utf8");
  const rows = new Set([...table.matchAll(/^\| ([A-Z]\d+) \|/gm)].map((match) => match[1]));
  for (const name of Object.keys({ ...POINTS, ...RESUME_POINTS })) {
    expect(rows).toContain(name.split(" ")[0]);
  }
});
