import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import {
  DEMO_CALLS,
  PLANNED_FAILURES,
  explainPlannedFailures,
  writeDemoPlan,
} from "../../../producer/demo/demo-plan.ts";
import { startDemoServer } from "../../../producer/demo/demo-server.ts";
import type { Call } from "../../../shared/model/call.ts";
import type { Plan, PlanEntry } from "../../../producer/plan/plan.ts";
import { readPlan } from "../../../producer/plan/read.ts";
import { makeFolder } from "../../support/command-line.ts";

async function readEntries(path: string): Promise<PlanEntry[]> {
  const plan = await readPlan({ path, spoolDir: makeFolder(), runId: "r" });
  return await collect(plan);
}

async function collect(plan: Plan): Promise<PlanEntry[]> {
  const entries: PlanEntry[] = [];
  for await (const batch of plan.entries()) entries.push(...batch);
  return entries;
}

/** The status that the call ends with: what is refused for overload is made again. */
async function makeCall(call: Call): Promise<number> {
  const { url, method = "GET", json } = call;
  const { status } = await fetch(url, { method, ...(json !== undefined && { body: json }) });
  return status === 503 ? await makeCall(call) : status;
}

test("the demo's plan has every call in its lane", async () => {
  const entries = await readEntries(writeDemoPlan(makeFolder(), "http://127.0.0.1:8123"));
  expect(entries.filter((entry) => "invalid" in entry)).toEqual([]);
  expect(entries).toHaveLength(DEMO_CALLS);
  const lanes = Object.groupBy(entries, (entry) => ("lane" in entry ? entry.lane : "invalid"));
  const counts = Object.entries(lanes).map(([lane, calls]) => [lane, calls?.length]);
  expect(Object.fromEntries(counts)).toEqual({ weather: 195, bulletins: 48, default: 2 });
});

test("of its calls, those that are meant to fail do, and the others succeed", async () => {
  const server = await startDemoServer();
  try {
    const entries = await readEntries(writeDemoPlan(makeFolder(), server.url));
    const calls = entries.flatMap((entry) => ("call" in entry ? [entry.call] : []));
    const statuses = await Promise.all(
      calls.map(async (call) => [call.id, await makeCall(call)] as const),
    );
    const failed = statuses.filter(([, status]) => status >= 300);
    expect(failed).toEqual(PLANNED_FAILURES.map(({ id, status }) => [id, status]));
    expect(server.counts().bulletins).toBe(47);
  } finally {
    await server.close();
  }
});

test("the planned failures are explained at 80 columns", () => {
  const lines = explainPlannedFailures(16, 80).split("\n");
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
});

test("the plan against Open-Meteo is polite, and reads", async () => {
  const path = fileURLToPath(new URL("../../../producer/demo/open-meteo.yaml", import.meta.url));
  const plan = await readPlan({ path, spoolDir: makeFolder(), runId: "r" });
  expect(plan.lanes[0]).toMatchObject({ name: "open-meteo", rate: { count: 5, perMs: 1_000 } });
  const entries = await collect(plan);
  expect(entries).toHaveLength(47);
  expect(entries[0]).toEqual({
    lane: "open-meteo",
    call: {
      id: "Hokkaido",
      url: "https://api.open-meteo.com/v1/forecast?latitude=43.1&longitude=141.3&current=temperature_2m",
    },
  });
});
