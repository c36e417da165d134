import { expect, test } from "vitest";
import type { CallRow } from "../../shared/ledger/ledger.ts";
import type { Figures } from "../../shared/model/figures.ts";
import { judgeRun } from "./judge-run.ts";
import type { RunEvidence } from "./judge-run.ts";

const row = (id: string, state: CallRow["state"], attempts = 1): CallRow => ({
  run: "r",
  id,
  lane: "default",
  method: "GET",
  url: "http://127.0.0.1/",
  state,
  reason: null,
  status: null,
  attempts,
  startedAt: null,
  settledAt: "2026-01-01T00:00:00.000Z",
  latencyMs: null,
  error: null,
  worker: null,
});
const figures: Figures = {
  run: "r",
  name: "soak",
  state: "settled",
  parent: null,
  planned: 2,
  succeeded: 1,
  failed: 1,
  cancelled: 0,
  pending: 0,
  attempts: 2,
  duplicates: 0,
  elapsedMs: 1,
  latencyMs: { p50: 1, p95: 1, p99: 1, max: 1 },
  failures: [],
};
const evidence = (more: Partial<RunEvidence> = {}): RunEvidence => ({
  figures,
  rows: [row("a", "succeeded"), row("b", "failed")],
  calls: [{ id: "a" }, { id: "b", method: "POST" }],
  seen: {
    a: { attempts: 1, processed: 1, succeeded: 1 },
    b: { attempts: 1, processed: 1, succeeded: 0 },
  },
  ...more,
});

test("a run whose calls each have one outcome is right", () => {
  expect(judgeRun(evidence())).toEqual({ violations: [], madeAgain: 0 });
});

test("calls that were lost, made up or not settled, and sums that are wrong, are told", () => {
  const lost = judgeRun(evidence({ rows: [row("a", "succeeded")] }));
  expect(lost.violations).toEqual([
    "a planned call without exactly one outcome: 1, such as b",
    "wrong sums: 1, such as r: failed is 1, not 0",
  ]);
  const running = judgeRun(evidence({ figures: { ...figures, state: "running" } }));
  expect(running.violations[0]).toContain('state is "running", not "settled"');
});

test("a success that the API knows nothing of is told", () => {
  const seen = { ...evidence().seen, a: { attempts: 1, processed: 1, succeeded: 0 } };
  expect(judgeRun(evidence({ seen })).violations).toHaveLength(1);
});

test("an unsafe call that was processed twice is told, a safe one is counted", () => {
  const twice = { attempts: 2, processed: 2, succeeded: 1 };
  const { seen } = evidence();
  expect(judgeRun(evidence({ seen: { ...seen, b: twice } })).violations).toEqual([
    "an unsafe call that was processed twice: 1, such as b",
  ]);
  expect(judgeRun(evidence({ seen: { ...seen, a: twice } }))).toEqual({
    violations: [],
    madeAgain: 1,
  });
});
