import { openSync, readFileSync, writeSync, closeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect } from "vitest";
import * as doctor from "../../../producer/commands/doctor.ts";
import type { DoctorResult } from "../../../producer/commands/doctor.ts";
import type { Health } from "../../../producer/doctor/finding.ts";
import { openSqliteCoordination } from "../../../shared/coordination/sqlite-coordination.ts";
import { openStateFolder } from "../../../shared/state/state-folder.ts";
import { makeFolder, runCommand } from "../../support/command-line.ts";
import { MemoryOutput } from "../../support/memory-output.ts";
import { fail, seedLedger, seedRun, succeed } from "../../support/seeded-ledger.ts";

const PLANNED = 3;

/** A state folder after a run that has ended and been told of, and one that is told to workers. */
export async function soundFolder(): Promise<string> {
  const state = makeFolder();
  await seedLedger(state, async (ledger) => {
    const outcomes = [succeed("c1"), succeed("c2"), fail("c3")];
    await seedRun(ledger, { id: "ended" }, PLANNED, outcomes);
    await ledger.confirmOutbox((await ledger.outbox()).map(({ id }) => id));
    await seedRun(ledger, { id: "open" }, 2, [succeed("c1")]);
    await ledger.setState("open", "paused", "test", Date.now());
  });
  const coordination = openSqliteCoordination(openStateFolder(state).coordinationFile);
  await coordination.setControl("open", { generation: 1, state: "paused" });
  await coordination.claimLanes("open", [{ lane: "crm", concurrency: 8 }]);
  await coordination.close();
  return state;
}

export async function examine(
  state: string,
  ...words: string[]
): Promise<DoctorResult & { exitCode: number }> {
  const { exitCode, output } = await runCommand(doctor, ["--json", "--state", state, ...words]);
  return { ...(JSON.parse(output.text) as DoctorResult), exitCode };
}

/** With a broker elsewhere, and an empty folder. */
export async function examineAt(endpointUrl: string): Promise<DoctorResult & { exitCode: number }> {
  const state = makeFolder();
  const output = new MemoryOutput();
  const common = { json: true, quiet: true, env: undefined, state, endpointUrl };
  const notHere = (): Promise<never> => Promise.reject(new Error("not for this command"));
  const sides = { loadConsumer: notHere, loadProducer: notHere, loadEventSource: notHere };
  const exitCode = await doctor.run({ args: [], options: {}, common, sides }, output);
  return { ...(JSON.parse(output.text) as DoctorResult), exitCode };
}

/** What the checks of that name say, in that state. */
export function told(result: DoctorResult, name: string, state: Health): string {
  return result.checks
    .filter((check) => check.name === name && check.state === state)
    .map(({ found, advice }) => `${found} => ${advice ?? ""}`)
    .join("\n");
}

export function expectNoProblem(result: DoctorResult & { exitCode: number }): void {
  expect(result.checks.filter(({ state }) => state === "problem")).toEqual([]);
  expect(result.exitCode).toBe(0);
}

export function editLedger(state: string, sql: string): void {
  edit(join(state, "ledger.db"), sql);
}

export function edit(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
}

/** Overwrites whole pages, counted from 1, with what no page looks like. */
export function breakPages(path: string, ...pages: readonly number[]): void {
  const pageBytes = readFileSync(path).readUInt16BE(16);
  const descriptor = openSync(path, "r+");
  for (const page of pages) {
    writeSync(descriptor, Buffer.alloc(pageBytes, 0x5a), 0, pageBytes, (page - 1) * pageBytes);
  }
  closeSync(descriptor);
}

/** Pages of a table's or index's tree that hold rows, in their order. */
export function leafPages(path: string, name: string): number[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database
      .prepare("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path")
      .all(name)
      .map((row) => Number(row["pageno"]));
  } finally {
    database.close();
  }
}
