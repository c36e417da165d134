import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Call } from "../../../shared/model/call.ts";
import type { InvalidCall } from "../../../shared/model/message.ts";
import type { Plan, PlanEntry } from "../../../producer/plan/plan.ts";
import { type ReadPlanOptions, readPlan } from "../../../producer/plan/read.ts";

/** A folder with these files, gone when the test has ended. */
export function makeFolder(files: Readonly<Record<string, string | Buffer>>): string {
  const folder = mkdtempSync(join(tmpdir(), "senpu-plan-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

/** The plan that is the first of these files, which messages call by its name alone. */
export function readFiles(
  files: Readonly<Record<string, string | Buffer>>,
  options: Partial<ReadPlanOptions> = {},
): Promise<Plan> {
  const folder = makeFolder(files);
  const [name = ""] = Object.keys(files);
  return readPlan({
    path: join(folder, name),
    shown: name,
    spoolDir: join(folder, "spool"),
    runId: "run-1",
    ...options,
  });
}

export async function entriesOf(plan: Plan): Promise<readonly PlanEntry[]> {
  const entries: PlanEntry[] = [];
  for await (const batch of plan.entries()) entries.push(...batch);
  return entries;
}

/** All calls of a plan that has no invalid ones. */
export async function callsOf(plan: Plan): Promise<readonly Call[]> {
  return (await entriesOf(plan)).map((entry) => {
    if ("invalid" in entry) throw new Error(`unexpectedly invalid: ${entry.invalid.error}`);
    return entry.call;
  });
}

export async function invalidOf(plan: Plan): Promise<readonly InvalidCall[]> {
  return (await entriesOf(plan)).flatMap((entry) => ("invalid" in entry ? [entry.invalid] : []));
}

/** The one call that a template makes of a row of JSON Lines, or what was wrong. */
export async function renderRow(
  each: object,
  row: object,
): Promise<{ call?: Call; error?: string }> {
  const plan = await readFiles({
    "plan.json": JSON.stringify({ from: "rows.jsonl", each }),
    "rows.jsonl": JSON.stringify(row),
  });
  const [entry] = await entriesOf(plan);
  if (entry === undefined) throw new Error("no entry");
  return "invalid" in entry ? { error: entry.invalid.error } : { call: entry.call };
}
