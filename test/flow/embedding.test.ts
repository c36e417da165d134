import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SenpuError, plan, run } from "../../senpu.ts";
import { startMisbehavingServer } from "../support/misbehaving-server.ts";
import type { MisbehavingServer } from "../support/misbehaving-server.ts";

const state = mkdtempSync(join(tmpdir(), "senpu-embedding-"));
let server: MisbehavingServer;

beforeAll(async () => {
  server = await startMisbehavingServer();
});
afterAll(async () => {
  await server.close();
  rmSync(state, { recursive: true, force: true });
});

const planOf = (count: number, path: string): Record<string, unknown> => ({
  name: "embedded",
  allow: ["127.0.0.1"],
  lanes: { default: { concurrency: 4 } },
  calls: Array.from({ length: count }, (_, i) => ({
    id: `c${i}`,
    url: `${server.url}${path}?id=c${i}`,
  })),
});

test("a program runs a plan that it made, watches it, and gets the figures", async () => {
  const seen: number[] = [];
  const figures = await run(planOf(20, "/ok"), {
    state,
    onProgress: (progress) => seen.push(progress.succeeded),
  });
  expect(figures).toMatchObject({
    name: "embedded",
    state: "settled",
    planned: 20,
    succeeded: 20,
    failed: 0,
  });
  expect(seen.length).toBeGreaterThan(0);
});

test("an AbortSignal interrupts the run, and the same id goes on with it", async () => {
  const interrupt = new AbortController();
  const slow = planOf(40, "/slow/50");
  const seen = server.requests.length;
  const options = { state, runId: "taken-up" };
  const first = await run(slow, {
    ...options,
    signal: interrupt.signal,
    onProgress: ({ succeeded }) => {
      if (succeeded > 0) interrupt.abort();
    },
  });
  expect(first.state).toBe("interrupted");
  expect(first.pending).toBeGreaterThan(0);
  const second = await run(slow, options);
  expect(second).toMatchObject({ state: "settled", planned: 40, succeeded: 40, duplicates: 0 });
  expect(server.requests.length - seen).toBe(40);
});

test("a plan that is wrong is refused before anything is sent", async () => {
  await expect(run({ name: "empty" }, { state })).rejects.toThrow(SenpuError);
});

test("a survey says what a run would come to", async () => {
  const survey = await plan(planOf(20, "/ok"));
  expect(survey).toMatchObject({ name: "embedded", calls: 20, invalid: 0 });
  expect(survey.messages).toBeGreaterThan(0);
});
