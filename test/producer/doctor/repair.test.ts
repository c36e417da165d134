import { fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { openSqliteCoordination } from "../../../shared/coordination/sqlite-coordination.ts";
import { openSqliteLedger } from "../../../shared/ledger/sqlite-ledger.ts";
import type { Figures } from "../../../shared/model/figures.ts";
import { attachBroker } from "../../../shared/state/held-broker.ts";
import { readBrokerRecord } from "../../../shared/state/broker-record.ts";
import { connect, startEmbedded } from "../../shared/broker/embedded.ts";
import { seedLedger, seedRun, succeed } from "../../support/seeded-ledger.ts";
import {
  breakPages,
  edit,
  editLedger,
  examine,
  expectNoProblem,
  leafPages,
  soundFolder,
  told,
} from "./examined-folder.ts";

async function figuresOf(state: string, run: string): Promise<Figures> {
  const ledger = openSqliteLedger(join(state, "ledger.db"));
  try {
    return await ledger.figures(run, 0);
  } finally {
    await ledger.close();
  }
}

const keptFiles = (folder: string): string[] =>
  readdirSync(folder).filter((name) => name.includes("-kept-"));

/** A ledger whose calls fill many pages: a run that has ended, and one of which one call is left. */
async function largeLedger(): Promise<string> {
  const state = await soundFolder();
  await seedLedger(state, async (ledger) => {
    const ids = Array.from({ length: 3_000 }, (_, index) => succeed(`c${index + 1}`));
    await seedRun(ledger, { id: "large" }, ids.length, ids);
    await seedRun(ledger, { id: "late" }, 300, ids.slice(0, 299));
  });
  return state;
}

test("counters are made anew from the calls, and the ledger as it was is kept", async () => {
  const state = await soundFolder();
  const right = [await figuresOf(state, "ended"), await figuresOf(state, "open")];
  editLedger(
    state,
    `UPDATE runs SET planned = 9, succeeded = 0, failed = 7, attempts = 1, max_latency_ms = 5;
     DELETE FROM latencies WHERE run = 1; UPDATE failures SET count = 50`,
  );
  expect(await figuresOf(state, "ended")).not.toEqual(right[0]);
  const result = await examine(state, "--repair");
  expectNoProblem(result);
  expect([await figuresOf(state, "ended"), await figuresOf(state, "open")]).toEqual(right);
  const [kept] = keptFiles(state);
  expect(result.repairs).toEqual([
    `ledger: kept as ${join(state, kept ?? "")}`,
    "run ended: counted anew (had planned 9 and not 3, succeeded 0 and not 2, failed 7 and not 1 and 4 more)",
    expect.stringMatching(/^run open: counted anew \(had planned 9 and not 2/),
  ]);
  const before = new DatabaseSync(join(state, kept ?? ""), { readOnly: true });
  onTestFinished(() => before.close());
  expect(before.prepare("SELECT sum(failed) AS failed FROM runs").get()).toEqual({ failed: 14 });
});

test("a sound folder is left as it is, and so is one that was repaired", async () => {
  const state = await soundFolder();
  expect((await examine(state, "--repair")).repairs).toEqual([]);
  editLedger(state, "UPDATE runs SET planned = 9");
  expect((await examine(state, "--repair")).repairs).not.toEqual([]);
  expect((await examine(state, "--repair")).repairs).toEqual([]);
  expect(keptFiles(state)).toHaveLength(1);
});

test("a run that is complete once it is counted right is settled, and its end is told", async () => {
  const state = await soundFolder();
  editLedger(
    state,
    `UPDATE runs SET state = 'running', ended_at = NULL, planned = planned + 1 WHERE id = 'ended';
     DELETE FROM outbox`,
  );
  const result = await examine(state, "--repair");
  expectNoProblem(result);
  expect(result.repairs).toContain("run ended: settled, as all its calls have been");
  expect(await figuresOf(state, "ended")).toMatchObject({ state: "settled", planned: 3 });
  const ledger = openSqliteLedger(join(state, "ledger.db"));
  expect(await ledger.outbox()).toMatchObject([{ run: "ended", task: "event" }]);
  await ledger.close();
});

test("of a damaged ledger every row is saved that can be read, and what is lost is told", async () => {
  const state = await largeLedger();
  const path = join(state, "ledger.db");
  const pages = leafPages(path, "calls");
  expect(pages.length).toBeGreaterThan(20);
  const [one = 0, two = 0] = [pages[5], pages[12]];
  const lost = countRows(path, [one, two]);
  breakPages(path, one, two);
  const damaged = readFileSync(path);
  expect(told(await examine(state), "ledger", "problem")).toMatch(/is damaged/);

  const result = await examine(state, "--repair");
  const [kept] = keptFiles(state);
  // All but the header, in which SQLite notes how its log is kept.
  expect(readFileSync(join(state, kept ?? "")).subarray(100)).toEqual(damaged.subarray(100));
  expect(result.repairs.join("\n")).toMatch(
    new RegExp(
      `with what can be read: .*4 of runs, ${(3_305 - lost).toLocaleString("en")} of calls`,
    ),
  );
  expect(result.repairs).toContain("ledger: 2 places could not be read, 0 rows made no sense");
  expect(told(result, "ledger", "ok")).toMatch(/^sound, 4 runs/);
  expect(told(result, "counters", "problem")).toMatch(
    new RegExp(`^run large: ${lost} calls of 3,000 have no row any more`),
  );
  expect(await figuresOf(state, "large")).toMatchObject({ succeeded: 3_000 - lost, pending: 0 });
  expect(await figuresOf(state, "late")).toMatchObject({ planned: 300, pending: 1 });
  expect(await figuresOf(state, "ended")).toMatchObject({ planned: 3, failed: 1 });
  // What is left can be worked with.
  const ledger = openSqliteLedger(path);
  const last = { kind: "outcomes", run: "late", lane: "crm", worker: "w" } as const;
  const { settled } = await ledger.record([{ ...last, outcomes: [succeed("c300")] }], Date.now());
  expect(settled).toEqual(["late"]);
  await ledger.close();
});

test.each(["before", "after"])(
  "G1: a death %s the new ledger takes the old one's place leaves one of them, and the copy",
  async (when) => {
    const state = await largeLedger();
    const path = join(state, "ledger.db");
    const right = await figuresOf(state, "large");
    breakPages(path, ...leafPages(path, "calls_by_id").slice(3, 6));
    const child = fork(new URL("die-repairing.ts", import.meta.url), [state, when], {
      execArgv: ["--disable-warning=ExperimentalWarning"],
      stdio: "ignore",
    });
    expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
    expect(keptFiles(state)).toHaveLength(1);
    const result = await examine(state, "--repair", "--thorough");
    expectNoProblem(result);
    expect(await figuresOf(state, "large")).toEqual(right);
    expect(readdirSync(state).filter((name) => name.includes("partial"))).toEqual([]);
  },
);

test("a damaged index of the ledger costs no row", async () => {
  const state = await largeLedger();
  const path = join(state, "ledger.db");
  const right = await figuresOf(state, "large");
  breakPages(path, ...leafPages(path, "calls_by_id").slice(3, 6));
  expectNoProblem(await examine(state, "--repair", "--thorough"));
  expect(await figuresOf(state, "large")).toEqual(right);
});

test("a ledger of which nothing can be read stays where it is", async () => {
  const state = await soundFolder();
  const path = join(state, "ledger.db");
  breakPages(path, 1, 2, 3);
  const damaged = readFileSync(path);
  const result = await examine(state, "--repair");
  expect(result.exitCode).toBe(1);
  expect(result.repairs.at(-1)).toMatch(/nothing of it can be read, so it stays; move it away/);
  expect(readFileSync(path)).toEqual(damaged);
  expect(keptFiles(state)).toHaveLength(1);
});

test("a damaged coordination file is made anew, with what can be read of it", async () => {
  const state = await soundFolder();
  const path = join(state, "coordination.db");
  breakPages(path, ...leafPages(path, "leases"), ...leafPages(path, "claims"));
  const result = await examine(state, "--repair");
  expectNoProblem(result);
  expect(result.repairs[0]).toMatch(/^coordination: kept as .*coordination-kept-/);
  const coordination = openSqliteCoordination(path);
  onTestFinished(() => coordination.close());
  expect(await coordination.control("open")).toEqual({ generation: 1, state: "paused" });
  expect(await coordination.lanes()).toEqual([]);
});

test("a coordination file of which nothing can be read is made anew, empty", async () => {
  const state = await soundFolder();
  const path = join(state, "coordination.db");
  writeFileSync(path, "x".repeat(10_000));
  const result = await examine(state, "--repair");
  expectNoProblem(result);
  expect(result.repairs[1]).toBe("coordination: made anew, empty");
  expect(keptFiles(state)).toHaveLength(1);
});

test("an old ledger is migrated on the way, with its copy", async () => {
  const state = await soundFolder();
  editLedger(
    state,
    "DROP TABLE answers; ALTER TABLE runs DROP COLUMN owner; ALTER TABLE runs DROP COLUMN forgiven; PRAGMA user_version = 2",
  );
  expectNoProblem(await examine(state, "--repair"));
  expect(readdirSync(state)).toContain("ledger-v2.db");
  expect(await figuresOf(state, "ended")).toMatchObject({ planned: 3 });
});

test.each([
  ["a damaged file", (path: string) => breakPages(path, ...leafPages(path, "sns_topics"))],
  [
    "a file of another fauxqs",
    (path: string) => edit(path, "ALTER TABLE sqs_messages RENAME COLUMN message_group_id TO grp"),
  ],
])("messages of the broker are carried over from %s, and it starts with them", async (_, spoil) => {
  const state = await soundFolder();
  const dataDir = join(state, "broker");
  const embedded = await startEmbedded({ dataDir });
  const broker = connect(embedded.endpointUrl);
  await broker.ensure(["crm"]);
  await broker.send("lane-crm", [{ body: "one" }, { body: "two" }]);
  await broker.close();
  await embedded.stop();
  spoil(join(dataDir, "fauxqs.db"));
  expect(told(await examine(state), "broker", "problem")).not.toBe("");
  const result = await examine(state, "--repair");
  expectNoProblem(result);
  expect(result.repairs.join("\n")).toMatch(/broker: made anew .* 2 of sqs_messages/);
  expect(keptFiles(dataDir)).toHaveLength(1);
  const again = connect((await startEmbedded({ dataDir })).endpointUrl);
  const got = await again.receive("lane-crm", { maxMessages: 10, waitSeconds: 1 });
  expect(got.map(({ body }) => body).toSorted()).toEqual(["one", "two"]);
});

test("what dead processes left is removed, and what a living one writes stays", async () => {
  const state = await soundFolder();
  const { pid } = spawnSync(process.execPath, ["--version"]);
  const record = {
    endpoint: "http://127.0.0.1:9",
    pid,
    port: 9,
    startedAt: "2026-01-01T00:00:00Z",
  };
  writeFileSync(join(state, "broker.json"), JSON.stringify(record));
  writeFileSync(join(state, "ledger-v1.db.partial"), "");
  mkdirSync(join(state, "spool"), { recursive: true });
  const partials = [pid, process.pid].map((id) => join(state, "spool", `r.jsonl.${id}.partial`));
  for (const partial of partials) writeFileSync(partial, "{}");
  const result = await examine(state, "--repair");
  expectNoProblem(result);
  expect(result.repairs).toHaveLength(3);
  expect(partials.map((partial) => existsSync(partial))).toEqual([false, true]);
  expect(existsSync(join(state, "broker.json"))).toBe(false);
  expect(readdirSync(state)).not.toContain("ledger-v1.db.partial");
});

test("lanes that ended runs claim are released", async () => {
  const state = await soundFolder();
  const coordination = openSqliteCoordination(join(state, "coordination.db"));
  await coordination.claimLanes("ended", [{ lane: "crm", concurrency: 1 }]);
  await coordination.close();
  expect((await examine(state, "--repair")).repairs).toEqual(["run ended: its lanes released"]);
  const after = openSqliteCoordination(join(state, "coordination.db"));
  onTestFinished(() => after.close());
  expect(await after.lanes()).toEqual([{ lane: "crm", concurrency: 8 }]);
});

test("beside a running broker nothing is repaired, and it goes on", async () => {
  const state = await soundFolder();
  const held = await attachBroker({ state });
  onTestFinished(() => held.close());
  editLedger(state, "UPDATE runs SET planned = 9");
  await expect(examine(state, "--repair")).rejects.toThrow(
    /works in .*, and a repair could hurt it: stop every run, worker, recorder and broker there/,
  );
  expect(await figuresOf(state, "ended")).toMatchObject({ planned: 9 });
  expect(readBrokerRecord(join(state, "broker.json"))?.endpoint).toBe(held.endpointUrl);
});

test.each(["ledger.db", "coordination.db"])(
  "while somebody has %s open nothing is repaired, and the folder is free again",
  async (name) => {
    const state = await soundFolder();
    const path = join(state, name);
    const open = name === "ledger.db" ? openSqliteLedger(path) : openSqliteCoordination(path);
    onTestFinished(() => open.close());
    editLedger(state, "UPDATE runs SET planned = 9");
    await expect(examine(state, "--repair")).rejects.toThrow(/works in .*, and a repair could/);
    expect(existsSync(join(state, "broker.json"))).toBe(false);
    await open.close();
    expectNoProblem(await examine(state, "--repair"));
  },
);

/** How many calls lie on these pages. */
function countRows(path: string, pages: readonly number[]): number {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const counted = database
      .prepare(
        "SELECT sum(ncell) AS n FROM dbstat WHERE name = 'calls' AND pageno IN (SELECT value FROM json_each(?))",
      )
      .get(JSON.stringify(pages));
    return Number(counted?.["n"]);
  } finally {
    database.close();
  }
}
