import { expect, test } from "vitest";
import type { CallRow } from "../../../shared/ledger/ledger.ts";
import { endedAt, reportOf } from "./report-rows.ts";

function failedAt(sinceMs: number, more: Partial<CallRow> = {}): CallRow {
  return endedAt(sinceMs, {
    state: "failed",
    reason: "exhausted",
    status: 503,
    attempts: 4,
    error: "HTTP 503",
    ...more,
  });
}

/** One call each so many milliseconds. */
function every(stepMs: number, count: number, more: Partial<CallRow> = {}): CallRow[] {
  return Array.from({ length: count }, (_, index) => endedAt(100 + index * stepMs, more));
}

test("calls are counted where they ended, in whatever order the ledger gives them", async () => {
  const rows = [failedAt(9_500), ...every(1_000, 10), failedAt(9_900)].toReversed();
  const { time } = await reportOf(rows);
  expect(time.binMs).toBe(1_000);
  expect(time.succeeded).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
  expect(time.failed).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
});

test("a lane's rate is the most attempts that began within any second", async () => {
  // 20 a second, but for one second with 50.
  const rows = [...every(50, 200), ...every(20, 50).map((_, n) => endedAt(5_040 + n * 20))];
  const { lanes } = await reportOf(rows);
  expect(lanes[0]).toMatchObject({ lane: "crm", windowMs: 1_000, mostStarted: 70 });
});

test("a lane's concurrency is the time that its last attempts took, by the time that passed", async () => {
  // Three at a time, without a pause.
  const rows = [0, 1, 2].flatMap(() => every(200, 100, { latencyMs: 200 }));
  const { lanes } = await reportOf(rows.map((row, n) => ({ ...row, id: `c${n}` })));
  expect(lanes[0]!.mostInFlight).toBeCloseTo(3, 5);
  expect(lanes[0]!.inFlight.slice(1, -1).every((mean) => Math.abs(mean - 3) < 1e-9)).toBe(true);
});

test("of a call's attempts the first and the last have a known beginning, and the rest is said to be missing", async () => {
  const { lanes } = await reportOf([
    endedAt(5_000, { attempts: 5, startedAt: endedAt(1_000).startedAt }),
    endedAt(6_000),
  ]);
  expect(lanes[0]).toMatchObject({ attempts: 6, attemptsSeen: 3 });
});

test("a lane is shown beside its limits, and one that the settings do not name without", async () => {
  const settings = JSON.stringify({
    lanes: [
      {
        name: "crm",
        match: [],
        concurrency: 8,
        minConcurrency: 2,
        rate: { count: 20, perMs: 1_000 },
      },
      { name: "default", match: [], concurrency: 64 },
    ],
    total: { concurrency: 10 },
  });
  const report = await reportOf([endedAt(1), endedAt(2, { lane: "other" })], { settings });
  expect(report.lanes.map(({ lane, limit }) => [lane, limit])).toEqual([
    ["crm", { concurrency: 8, minConcurrency: 2, rate: { count: 20, perMs: 1_000 } }],
    ["other", null],
  ]);
  expect(report.total).toEqual({ concurrency: 10, minConcurrency: null, rate: null });
});

test("percentiles over time are of the calls that ended in the bin, and never above its longest", async () => {
  const rows = every(10, 1_000).map((row, n) => ({ ...row, latencyMs: n < 500 ? 20 : 400 }));
  const { time } = await reportOf(rows);
  expect(time.p50[0]).toBeCloseTo(20, -1);
  expect(time.p50.at(-1)).toBeCloseTo(400, -2);
  expect(time.max[0]).toBe(20);
  time.p99.forEach((p99, bin) => expect(p99! <= time.max[bin]!).toBe(true));
});

test("failures have their cause in words, when and where, the frequent errors, and the line that makes them again", async () => {
  const rows = [
    failedAt(2_000, { id: "a" }),
    failedAt(3_000, { id: "b", lane: "other" }),
    failedAt(4_000, { id: "c", error: "HTTP 503: later" }),
    failedAt(5_000, { id: "d" }),
    failedAt(6_000, { id: "e", status: null, error: "no answer" }),
  ];
  const { failures, replay } = await reportOf(rows);
  expect(failures[0]).toMatchObject({
    reason: "exhausted",
    status: 503,
    count: 4,
    means: "the API said that it is not available, at each attempt",
    firstAt: "2026-11-22T09:00:02.000Z",
    lastAt: "2026-11-22T09:00:05.000Z",
    lanes: [
      { lane: "crm", count: 3 },
      { lane: "other", count: 1 },
    ],
    errors: [
      { error: "HTTP 503", count: 3 },
      { error: "HTTP 503: later", count: 1 },
    ],
    replay: "npx senpu replay run-1 --reason exhausted --status 503 --state /tmp/elsewhere",
    list: "npx senpu calls run-1 --reason exhausted --status 503 --state /tmp/elsewhere",
    isWider: false,
  });
  // Different errors first.
  expect(failures[0]!.examples.map(({ id }) => id)).toEqual(["a", "c", "b"]);
  expect(failures[1]).toMatchObject({ status: null, count: 1, isWider: true });
  expect(replay).toBe("npx senpu replay run-1 --state /tmp/elsewhere");
});

test("the slowest calls come first, and are few", async () => {
  const rows = every(1, 200).map((row, n) => ({ ...row, latencyMs: (n * 37) % 200 }));
  const { slowest } = await reportOf(rows);
  expect(slowest.map(({ latencyMs }) => latencyMs)).toEqual(
    Array.from({ length: 15 }, (_, n) => 199 - n),
  );
});

test("calls are counted by their attempts, those of very many together", async () => {
  const rows = [1, 1, 2, 10, 25].map((attempts, n) => endedAt(n * 100, { attempts }));
  const { attempts } = await reportOf([...rows, failedAt(700, { attempts: 2 })]);
  expect(attempts.filter(({ succeeded, failed }) => succeeded + failed > 0)).toEqual([
    { attempts: 1, andMore: false, succeeded: 2, failed: 0 },
    { attempts: 2, andMore: false, succeeded: 1, failed: 1 },
    { attempts: 10, andMore: true, succeeded: 2, failed: 0 },
  ]);
});

test("a time outside of the run is in no bin, and said to be", async () => {
  const wrong = { startedAt: "1970-01-01T00:00:01.000Z", settledAt: "1970-01-01T00:00:01.040Z" };
  const { time, latency } = await reportOf([endedAt(100), endedAt(200, wrong)]);
  expect(time.outside).toBe(1);
  expect(time.succeeded).toEqual([1]);
  expect(latency.bins.reduce((sum, { count }) => sum + count, 0)).toBe(2);
});

test("settings tell names of headers and the host of a webhook, and nothing that may be a credential", async () => {
  const settings = JSON.stringify({
    policy: {
      timeoutMs: 10_000,
      retry: {
        attempts: 5,
        backoff: { firstMs: 500, factor: 2, maxMs: 30_000, jitter: "full" },
        on: [503, "network"],
        unsafe: false,
      },
      success: ["2xx"],
      redirects: 5,
      headers: { authorization: "Bearer planted-secret" },
      allow: [],
    },
    deadlineMs: 86_400_000,
    onSettled: {
      webhook: "https://hooks.example.com/services/planted-secret",
      command: ["notify", "--token", "planted-secret"],
    },
  });
  const report = await reportOf([endedAt(1, { url: "https://u:planted-secret@a.example/" })], {
    settings,
    tolerance: 0.05,
  });
  expect(JSON.stringify(report)).not.toContain("planted-secret");
  expect(report.settings).toEqual(
    expect.arrayContaining([
      { name: "tolerance", value: "5 % may fail" },
      { name: "headers", value: "authorization" },
      { name: "at the end", value: "a webhook to hooks.example.com and a command" },
    ]),
  );
});

test("settings that another senpu wrote in another way are left out", async () => {
  const { settings, lanes } = await reportOf([endedAt(1)], { settings: "no JSON", source: "[]" });
  expect(settings).toEqual([{ name: "tolerance", value: "any number may fail" }]);
  expect(lanes[0]!.limit).toBeNull();
});
