import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startRecorder } from "../../consumer/record/recorder.ts";
import { Worker } from "../../consumer/worker.ts";
import { readPlan } from "../../producer/plan/read.ts";
import { beginRun } from "../../producer/run/begin-run.ts";
import { saveResults } from "../../producer/results/save-results.ts";
import { conduct } from "../../producer/run/conduct.ts";
import type { Figures } from "../../shared/model/figures.ts";
import { openSession } from "../../shared/session.ts";
import type { CrashChildOptions } from "../support/crash-child.ts";
import type { CrashPoint } from "../support/crash-point.ts";
import { withShortVisibility } from "../support/crash-point.ts";
import { startMisbehavingServer } from "../support/misbehaving-server.ts";
import type { MisbehavingServer } from "../support/misbehaving-server.ts";
import {
  expectNothingLost,
  expectUnsafeOnce,
  gatherRows,
  madeAgain,
} from "../support/run-invariants.ts";
import type { RunEvidence } from "../support/run-invariants.ts";

/** A worker dies there; the run goes on, and another worker takes its messages when they come back. */
const POINTS: Record<string, CrashPoint> = {
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
  "W2 after a letter is sent": { port: "broker", method: "send", match: '-failed"', when: "after" },
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
  "W7 while slots are leased": { port: "coordination", method: "lease", when: "after" },
};

const CONCURRENCY = 6;
const folder = mkdtempSync(join(tmpdir(), "senpu-crash-worker-"));
let server: MisbehavingServer;

beforeAll(async () => {
  server = await startMisbehavingServer();
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Staged {
  readonly ids: string[];
  readonly path: string;
}

function stage(
  name: string,
  calls: readonly { id: string; url: string }[],
  more: object = {},
): Staged {
  const path = join(folder, `${name}.json`);
  const lanes = { default: { concurrency: CONCURRENCY } };
  writeFileSync(
    path,
    JSON.stringify({
      name,
      lanes,
      retry: { backoff: { first: "20ms" } },
      allow: ["127.0.0.1"],
      calls,
      ...more,
    }),
  );
  return { path, ids: calls.map(({ id }) => id) };
}

/** Conducts the run here while a doomed worker in another process has the lane to itself; then a healthy one follows. */
async function runWithDeath(plan: Staged, crashes: readonly CrashPoint[]): Promise<RunEvidence> {
  const seen = server.requests.length;
  const state = mkdtempSync(join(folder, "state-"));
  const opened = await openSession({ state });
  const session = withShortVisibility(opened, 2);
  try {
    const read = await readPlan({ path: plan.path, spoolDir: session.folder.spool, runId: "r" });
    await beginRun(session, read, "r", null);
    const recorder = await startRecorder({ ...session, housekeepingMs: 200 });
    const conducting: Promise<Figures> = conduct({
      session,
      plan: read,
      run: "r",
      generation: 1,
      recorder,
      workers: 0,
      sides: { loadConsumer: () => import("../../consumer/index.ts") },
      signal: new AbortController().signal,
      by: "test",
      onLook: () => {},
      onNote: () => {},
    });
    for (const crash of crashes) {
      const options: CrashChildOptions = {
        role: "worker",
        state,
        endpointUrl: session.endpointUrl,
        plan: plan.path,
        run: "r",
        crash,
      };
      const child = fork(
        new URL("../support/crash-child.ts", import.meta.url),
        [JSON.stringify(options)],
        {
          execArgv: ["--disable-warning=ExperimentalWarning"],
        },
      );
      const [, signal] = (await once(child, "exit")) as [number | null, string | null];
      expect(signal).toBe("SIGKILL");
    }
    const healthy = new Worker({
      broker: session.broker,
      coordination: session.coordination,
      claims: session.claims,
      answers: session.answers,
      name: "healthy",
    });
    await healthy.start();
    const figures = await conducting;
    await healthy.stop();
    await saveResults(session, "r");
    const rows = await gatherRows(session.ledger, "r");
    return { figures, rows, requests: server.requests.slice(seen), ids: plan.ids };
  } finally {
    await opened.close();
  }
}

function mixedCalls(): { id: string; url: string; method?: string }[] {
  return [
    ...Array.from({ length: 30 }, (_, i) => ({
      id: `get-${i}`,
      url: `${server.url}/ok?delay=20&id=get-${i}`,
    })),
    ...Array.from({ length: 10 }, (_, i) => ({
      id: `post-${i}`,
      method: "POST",
      url: `${server.url}/ok?delay=20&id=post-${i}`,
    })),
    { id: "gone", url: `${server.url}/status/404?id=gone` },
  ];
}

describe("a worker that dies loses nothing, and repeats no unsafe call", () => {
  test.each(Object.keys(POINTS))(
    "%s",
    async (name) => {
      const plan = stage(name.slice(0, 2), mixedCalls());
      const evidence = await runWithDeath(plan, [POINTS[name] as CrashPoint]);
      expectNothingLost(evidence);
      expectUnsafeOnce(evidence);
      // What one worker had made and not yet told: at most what it could make within a flush, and what was in flight.
      expect(madeAgain(evidence).length).toBeLessThanOrEqual(plan.ids.length);
    },
    60_000,
  );
});

test.each(["before", "after"] as const)(
  "W16 %s answers are saved: what is told of is saved, once each",
  async (when) => {
    const file = join(folder, `W16-${when}.jsonl`);
    const plan = stage(`W16-${when}`, mixedCalls(), { save: file });
    const evidence = await runWithDeath(plan, [{ port: "answers", method: "write", when }]);
    expectNothingLost(evidence);
    expectUnsafeOnce(evidence);
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    const saved = lines.map((line) => (JSON.parse(line) as { id: string }).id);
    const succeeded = evidence.rows.filter(({ state }) => state === "succeeded");
    expect(saved.toSorted()).toEqual(succeeded.map(({ id }) => id).toSorted());
  },
  60_000,
);

test("W8 an unsafe call that was under way when its worker died ends as unknown, and is not made again", async () => {
  server.on("doom", async ({ response, signal }) => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    if (!signal.aborted) response.writeHead(200).end();
  });
  const plan = stage("doom", [
    { id: "a", method: "POST", url: `${server.url}/doom?id=a` },
    { id: "b", url: `${server.url}/ok?id=b` },
  ] as { id: string; url: string }[]);
  // Its second lease comes a second after the first; the POST is under way by the time the mark was written.
  const evidence = await runWithDeath(plan, [
    { port: "broker", method: "publish", match: '^."outcomes"', when: "before" },
  ]);
  expectNothingLost(evidence);
  expectUnsafeOnce(evidence);
  expect(evidence.rows.find(({ id }) => id === "a")).toMatchObject({
    state: "failed",
    reason: "unknown",
  });
  expect(evidence.rows.find(({ id }) => id === "b")).toMatchObject({ state: "succeeded" });
});

test("W9 a call that kills its worker again and again takes no other with it, and ends as abandoned", async () => {
  const plan = stage("poison", [
    ...Array.from({ length: 4 }, (_, i) => ({
      id: `good-${i}`,
      url: `${server.url}/ok?delay=400&id=good-${i}`,
    })),
    { id: "killer", url: `${server.url}/ok?id=killer` },
  ]);
  // Whatever worker tells of the killer dies just before it does.
  const crash: CrashPoint = {
    port: "broker",
    method: "publish",
    match: '^."outcomes".*killer',
    when: "before",
  };
  const evidence = await runWithDeath(plan, [crash, crash, crash, crash, crash, crash, crash]);
  expectNothingLost(evidence);
  expect(evidence.rows.find(({ id }) => id === "killer")).toMatchObject({
    state: "failed",
    reason: "abandoned",
  });
  expect(evidence.rows.filter(({ state }) => state === "succeeded").length).toBe(4);
}, 120_000);
