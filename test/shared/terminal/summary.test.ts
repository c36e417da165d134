import { resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import type { CallRow } from "../../../shared/ledger/ledger.ts";
import { RUN_STATES } from "../../../shared/model/figures.ts";
import type { Figures } from "../../../shared/model/figures.ts";
import { REASONS } from "../../../shared/model/outcome.ts";
import { explainCause } from "../../../shared/terminal/causes.ts";
import { widthOf } from "../../../shared/terminal/fit.ts";
import { renderSummary } from "../../../shared/terminal/summary.ts";
import type { SummaryOptions } from "../../../shared/terminal/summary.ts";

const fine: Figures = {
  run: "01k5v2m0",
  name: "crm-nightly",
  state: "settled",
  parent: null,
  planned: 400,
  succeeded: 400,
  failed: 0,
  cancelled: 0,
  pending: 0,
  attempts: 431,
  duplicates: 0,
  elapsedMs: 20_140,
  latencyMs: { p50: 41.2, p95: 88, p99: 131.5, max: 1_140.1 },
  failures: [],
};
const failing: Figures = {
  ...fine,
  succeeded: 396,
  failed: 4,
  failures: [
    { reason: "unknown", status: null, count: 1 },
    { reason: "rejected", status: 404, count: 3 },
  ],
};
const example: CallRow = {
  run: "01k5v2m0",
  id: "customer-17",
  lane: "crm",
  method: "GET",
  url: "https://api.example.com/customers/17/orders?from=2026-01-01&to=2026-12-31",
  state: "failed",
  reason: "rejected",
  status: 404,
  attempts: 1,
  startedAt: null,
  settledAt: null,
  latencyMs: 12,
  error: "404 Not Found: no such\u001b[2J customer",
  worker: null,
};
const options: SummaryOptions = {
  examples: [example],
  color: false,
  columns: 80,
  where: { state: resolve(".senpu"), env: undefined, endpointUrl: undefined },
};

test("a run that went well takes few lines", () => {
  expect(renderSummary(fine, options)).toBe(`crm-nightly: all 400 calls succeeded in 20 s
run 01k5v2m0

  calls     400 succeeded · 0 failed
  pace      19.9 calls/s · 20 s in all
  attempts  431 · 31 of them retries
  latency   p50 41 ms · p95 88 ms · p99 132 ms · max 1.1 s
`);
});

test("failures are grouped by cause, explained, exemplified, and can be listed and made again", () => {
  expect(renderSummary(failing, options)).toBe(`crm-nightly: 4 of 400 calls failed in 20 s
run 01k5v2m0

  calls     396 succeeded · 4 failed
  pace      19.9 calls/s · 20 s in all
  attempts  431 · 31 of them retries
  latency   p50 41 ms · p95 88 ms · p99 132 ms · max 1.1 s

Why calls failed
  rejected 404 ×3 — the API said that there is no such thing
      customer-17: GET https://api.example.com/cust…rom=2026-01-01&to=2026-12-31
      404 Not Found: no such customer
      npx senpu calls 01k5v2m0 --reason rejected --status 404
  unknown ×1 — it was sent and nobody saw the answer; made again, it might count
      twice
      npx senpu calls 01k5v2m0 --reason unknown

  npx senpu replay 01k5v2m0  make the failed calls again
`);
});

test.each(["interrupted", "stopped"] as const)(
  "a run that is %s ends with the line that resumes it",
  (state) => {
    const text = renderSummary({ ...fine, state, succeeded: 100, pending: 300 }, options);
    expect(text).toContain("100 of 400 calls done");
    expect(text).toContain("\n  npx senpu resume 01k5v2m0");
  },
);

test("a run of many calls that has ended names the command that makes a page of it", () => {
  const many = { ...fine, planned: 1_000, succeeded: 1_000 };
  const line = "npx senpu report 01k5v2m0 -o report.html";
  expect(renderSummary(many, options)).toContain(`\n  ${line}`);
  expect(renderSummary({ ...many, state: "running" }, options)).not.toContain(line);
});

test("a paused run ends with the line that lets it go on", () => {
  expect(renderSummary({ ...fine, state: "paused" }, options)).toContain(
    "npx senpu unpause 01k5v2m0",
  );
});

test("lines to paste say where the run lives, quoted where it must be", () => {
  const where = { state: "/tmp/my runs", env: undefined, endpointUrl: undefined };
  const text = renderSummary({ ...fine, state: "interrupted" }, { ...options, where });
  expect(text).toContain("npx senpu resume 01k5v2m0 --state '/tmp/my runs'");
});

test("a run of no calls, and one of a single call, read as sentences", () => {
  const nothing = { ...fine, planned: 0, succeeded: 0, attempts: 0, latencyMs: null };
  expect(renderSummary(nothing, options)).toContain("the plan held no call; ended in 20 s");
  expect(renderSummary({ ...fine, planned: 1, succeeded: 1 }, options)).toContain(
    "the call succeeded in 20 s",
  );
});

test("colour changes nothing but colour", () => {
  const colored = renderSummary(failing, { ...options, color: true });
  expect(colored).not.toBe(renderSummary(failing, options));
  expect(stripVTControlCharacters(colored)).toBe(renderSummary(failing, options));
});

describe("at 80 columns", () => {
  test.each(RUN_STATES)("a %s run with every kind of failure fits", (state) => {
    const failures = REASONS.flatMap((reason) => [
      { reason, status: null, count: 1 },
      { reason, status: 503, count: 1_234_567 },
    ]);
    const examples = failures.map(({ reason, status }) => ({
      ...example,
      reason,
      status,
      id: "x".repeat(100),
      url: `https://example.com/${"扇".repeat(100)}`,
      error: "e".repeat(300),
    }));
    const figures = { ...failing, state, failures, name: "a name of some length" };
    const lines = renderSummary(figures, { ...options, examples }).split("\n");
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(80);
    expect(lines.join("\n")).toContain("other kinds");
  });
});

test("an error is told whole, since it may end with what to do; a very long one in three lines", () => {
  const failures = [{ reason: "blocked", status: null, count: 1 }] as const;
  const told = (error: string): string => {
    const examples = [{ ...example, ...failures[0], error }];
    return renderSummary({ ...failing, failures }, { ...options, examples });
  };
  expect(told(`${"it is ".repeat(20)}if it is meant, write allow: [it]`)).toMatch(
    /allow:\s+\[it\]$/m,
  );
  expect(told("no ".repeat(500)).match(/^ +no no [no …]+$/gm)).toHaveLength(3);
});

test("every cause has an explanation, with a status or without", () => {
  for (const reason of REASONS) {
    for (const status of [null, 200, 302, 404, 418, 429, 500, 599]) {
      expect(explainCause(reason, status)).toMatch(/^[^.]{10,}[^.]$/);
    }
  }
});
