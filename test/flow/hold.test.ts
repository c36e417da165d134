import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { readPlan } from "../../producer/plan/read.ts";
import { letGoOn } from "../../producer/run/let-go-on.ts";
import { pauseRun } from "../../producer/run/pause-run.ts";
import { runPlan } from "../../producer/run/run-plan.ts";
import { openSqliteCoordination } from "../../shared/coordination/sqlite-coordination.ts";
import type { Coordination } from "../../shared/coordination/coordination.ts";
import type { Ledger, RunRow } from "../../shared/ledger/ledger.ts";
import { openSqliteLedger } from "../../shared/ledger/sqlite-ledger.ts";
import type { Figures } from "../../shared/model/figures.ts";
import { FlowStage, callsTo } from "../support/flow-stage.ts";
import type { StagedCall } from "../support/flow-stage.ts";
import type { MisbehavingServer } from "../support/misbehaving-server.ts";
import { expectNothingLost, expectUnsafeOnce, gatherRows } from "../support/run-invariants.ts";

const stage = new FlowStage("hold");
const RUN = "r";

interface Conducted {
  readonly server: MisbehavingServer;
  readonly ledger: Ledger;
  readonly coordination: Coordination;
  readonly ended: Promise<Figures>;
  readonly interrupt: AbortController;
  readonly ids: readonly string[];
  row(): Promise<RunRow>;
}

interface Staged {
  readonly server: MisbehavingServer;
  readonly path: string;
  readonly state: string;
  readonly ids: readonly string[];
}

/** A plan of so many calls, each of which takes 20 ms. */
async function stagePlan(name: string, count: number, more: object = {}): Promise<Staged> {
  const server = await stage.startServer();
  const calls: StagedCall[] = callsTo(`${server.url}/ok?delay=20`, name, count, more);
  const path = stage.writePlan(name, calls, { lanes: { default: { concurrency: 4 } } });
  return { server, path, state: stage.newState(), ids: calls.map(({ id }) => id) };
}

/** This process conducts the run, and has made some of its calls. */
async function conductHere({ server, path, state, ids }: Staged): Promise<Conducted> {
  const plan = await readPlan({ path, spoolDir: join(state, "spool"), runId: RUN });
  const interrupt = new AbortController();
  const ended = runPlan(
    plan,
    { loadConsumer: () => import("../../consumer/index.ts") },
    { state, run: RUN, by: "the conductor", signal: interrupt.signal },
  );
  await Promise.race([server.waitForRequests(server.requests.length + 10), ended]);
  const ledger = openSqliteLedger(join(state, "ledger.db"));
  const coordination = openSqliteCoordination(join(state, "coordination.db"));
  stage.onClose(async () => {
    interrupt.abort();
    await ended.catch(() => {});
    await Promise.all([ledger.close(), coordination.close()]);
  });
  const row = async (): Promise<RunRow> => (await ledger.findRun(RUN))!;
  return { server, ledger, coordination, ended, interrupt, ids, row };
}

/** The conductor has seen the pause: nothing of the run is in its workers' hands. */
async function untilHeld({ coordination }: Conducted): Promise<void> {
  await vi.waitFor(
    async () => {
      expect(await coordination.control(RUN)).toMatchObject({ state: "paused" });
      expect(await coordination.leased("default", Date.now())).toBe(0);
    },
    { timeout: 60_000 },
  );
}

async function unpause(run: Conducted): Promise<"goes on" | "ownerless"> {
  const { ledger, coordination } = run;
  const options = { ledger, coordination, by: "test", onWaiting: () => {} };
  return letGoOn({ ...options, row: await run.row() });
}

async function expectEachOnce(run: Conducted): Promise<void> {
  const figures = await run.ended;
  const rows = await gatherRows(run.ledger, RUN);
  const { requests } = run.server;
  expectNothingLost({ figures, rows, requests, ids: run.ids });
  expect(figures.succeeded).toBe(run.ids.length);
  expect(requests.map(({ id }) => id).toSorted()).toEqual(run.ids.toSorted());
}

// Together they take a third of the time, and each takes long on a machine that is busy.
describe.concurrent("a run that is held", { timeout: 120_000 }, () => {
  test("C3 a pause that died before workers were told is told by the run's conductor", async () => {
    const run = await conductHere(await stagePlan("half", 300));
    await run.ledger.setState(RUN, "paused", "dying", Date.now());
    await untilHeld(run);
    const made = run.server.requests.length;
    expect(made).toBeLessThan(300);
    expect(await unpause(run)).toBe("goes on");
    await expectEachOnce(run);
  });

  test("C4 an unpause that died once it had asked is done by the run's conductor", async () => {
    const run = await conductHere(await stagePlan("asked", 200));
    await pauseRun(run, RUN, "test");
    await untilHeld(run);
    await run.ledger.setState(RUN, "running", "dying", Date.now());
    await expectEachOnce(run);
  });

  test("of two that unpause a run at once, both see it go on, in one new generation", async () => {
    const run = await conductHere(await stagePlan("both", 200));
    await pauseRun(run, RUN, "test");
    await untilHeld(run);
    expect(await Promise.all([unpause(run), unpause(run)])).toEqual(["goes on", "goes on"]);
    await expectEachOnce(run);
    expect(await run.row()).toMatchObject({ generation: 2 });
  });

  test("a pause and an unpause between two looks of its conductor lose nothing", async () => {
    const run = await conductHere(await stagePlan("blink", 300));
    await pauseRun(run, RUN, "test");
    expect(await unpause(run)).toBe("goes on");
    const figures = await run.ended;
    const rows = await gatherRows(run.ledger, RUN);
    expectNothingLost({ figures, rows, requests: run.server.requests, ids: run.ids });
    expect(figures.succeeded).toBe(300);
  });

  test("a pause right after an unpause holds the run", async () => {
    const run = await conductHere(await stagePlan("again", 300));
    await pauseRun(run, RUN, "test");
    await untilHeld(run);
    await run.ledger.setState(RUN, "running", "test", Date.now());
    expect(await pauseRun(run, RUN, "test")).toBe("paused");
    await untilHeld(run);
    expect(await run.row()).toMatchObject({ state: "paused" });
    expect(await unpause(run)).toBe("goes on");
    await expectEachOnce(run);
  });

  test("unsafe calls that a pause kept from starting are made, once each, when it is let go at once", async () => {
    const run = await conductHere(await stagePlan("unsafe", 120, { method: "POST", json: {} }));
    await pauseRun(run, RUN, "test");
    expect(await unpause(run)).toBe("goes on");
    await expectEachOnce(run);
    const rows = await gatherRows(run.ledger, RUN);
    expectUnsafeOnce({
      figures: await run.ended,
      rows,
      requests: run.server.requests,
      ids: run.ids,
    });
  });

  test("a paused run is interrupted by its conductor's Ctrl-C, and resumed", async () => {
    const staged = await stagePlan("ctrl", 200);
    const run = await conductHere(staged);
    await pauseRun(run, RUN, "test");
    await untilHeld(run);
    run.interrupt.abort();
    expect(await run.ended).toMatchObject({ state: "interrupted" });
    await expectEachOnce(await conductHere(staged));
  });

  test("a paused run is cancelled, and its conductor ends", async () => {
    const run = await conductHere(await stagePlan("end", 200));
    await pauseRun(run, RUN, "test");
    await untilHeld(run);
    await run.ledger.setState(RUN, "cancelled", "test", Date.now());
    expect(await run.ended).toMatchObject({ state: "cancelled", pending: 0 });
  });

  test("rows that have changed since are refused, the run stays paused, and goes on once they are restored", async () => {
    const server = await stage.startServer();
    const ids = Array.from({ length: 200 }, (_, index) => `row-${index}`);
    const rows = `id\n${ids.join("\n")}\n`;
    const file = stage.write("rows.csv", rows);
    const path = stage.writePlan("rows", [], {
      calls: undefined,
      lanes: { default: { concurrency: 4 } },
      from: "rows.csv",
      each: { id: "{{ id }}", url: `${server.url}/ok?delay=20&id={{ id }}` },
    });
    const run = await conductHere({ server, path, state: stage.newState(), ids });
    await pauseRun(run, RUN, "test");
    await untilHeld(run);
    writeFileSync(file, `${rows}more\n`);
    await expect(unpause(run)).rejects.toThrow(
      /run r stays paused, by the conductor: .*rows\.csv changed since run r was begun; restore/,
    );
    expect(await run.row()).toMatchObject({ state: "paused", generation: 1 });
    writeFileSync(file, rows);
    expect(await unpause(run)).toBe("goes on");
    await expectEachOnce(run);
  });
});
