import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { widthOf } from "../../../shared/terminal/fit.ts";
import { addSample, recentRate, timeLeftMs } from "../../../shared/terminal/rate-history.ts";
import type { RateHistory } from "../../../shared/terminal/rate-history.ts";
import { renderProgress, renderProgressLine } from "../../../shared/terminal/render-progress.ts";
import type { ProgressSnapshot } from "../../../shared/terminal/render-progress.ts";

const snapshot: ProgressSnapshot = {
  name: "crm-nightly",
  run: "01k5v2m0",
  elapsedMs: 12_000,
  planned: 400,
  plannedIsFinal: true,
  succeeded: 192,
  failed: 3,
  pending: 205,
  lanes: [
    { lane: "weather", inFlight: 16, waiting: 34, limit: 16 },
    { lane: "crm", inFlight: 4, waiting: 0, limit: null, note: "closed until 12:03:10 (429)" },
  ],
};
const history: RateHistory = [
  { elapsedMs: 4_000, done: 35 },
  { elapsedMs: 12_000, done: 195 },
];

test("a bar, what is done, how fast, and how long yet", () => {
  expect(renderProgress(snapshot, history, 79, false)).toEqual([
    "crm-nightly · run 01k5v2m0 · 12 s",
    "█████████░░░░░░░░░░░  49 % · 195 of 400 calls · 20/s · about 10 s left",
    "192 succeeded · 3 failed · 205 to come",
    "  weather  16 of 16 in flight · 34 waiting",
    "  crm             4 in flight · closed until 12:03:10 (429)",
  ]);
});

test("while the plan is still being read there is neither a bar nor a time left", () => {
  const lines = renderProgress({ ...snapshot, plannedIsFinal: false }, history, 79, false);
  expect(lines[1]).toBe("195 of 400 calls read so far · 20/s");
});

test("what the run waits for stands last", () => {
  const lines = renderProgress({ ...snapshot, note: "waiting for a recorder" }, history, 79, false);
  expect(lines.at(-1)).toBe("waiting for a recorder");
});

test("of many lanes the busiest are shown", () => {
  const lanes = Array.from({ length: 20 }, (_, i) => ({
    lane: `lane-${i}`,
    inFlight: i,
    waiting: 0,
    limit: 64,
  }));
  const lines = renderProgress({ ...snapshot, lanes }, history, 79, false);
  expect(lines).toHaveLength(10);
  expect(lines[3]).toContain("lane-19");
  expect(lines.at(-1)).toBe("  and 14 quieter lanes");
});

test("for a log it is one line", () => {
  expect(renderProgressLine(snapshot, history)).toBe(
    "crm-nightly · 195 of 400 calls · 3 failed · 20/s · about 10 s left · 20 in flight · 12 s · crm: closed until 12:03:10 (429)",
  );
});

test("no line is wider than asked for, whatever the run does", () => {
  const count = fc.nat(10_000_000);
  const lane = fc.record({
    lane: fc.stringMatching(/^[a-z0-9-]{1,40}$/),
    inFlight: count,
    waiting: count,
    limit: fc.option(count),
    note: fc.string(),
  });
  const snapshots = fc.record({
    name: fc.string({ unit: "grapheme" }),
    run: fc.stringMatching(/^[a-z0-9]{1,30}$/),
    elapsedMs: count,
    planned: count,
    plannedIsFinal: fc.boolean(),
    succeeded: count,
    failed: count,
    pending: count,
    lanes: fc.array(lane),
    note: fc.string({ unit: "grapheme" }),
  });
  fc.assert(
    fc.property(snapshots, fc.integer({ min: 20, max: 200 }), fc.boolean(), (any, width, color) => {
      for (const line of renderProgress(any, history, width, color)) {
        expect(widthOf(line)).toBeLessThanOrEqual(width);
      }
    }),
  );
});

function run(perSecond: (second: number) => number, seconds: number): RateHistory {
  let samples: RateHistory = [];
  let done = 0;
  for (let elapsedMs = 0; elapsedMs <= seconds * 1_000; elapsedMs += 100) {
    samples = addSample(samples, { elapsedMs, done });
    done += perSecond(elapsedMs / 1_000) / 10;
  }
  return samples;
}

describe("the rate", () => {
  test("is of the last seconds, not of the whole run", () => {
    expect(recentRate(run((second) => (second < 30 ? 500 : 20), 60))).toBeCloseTo(20, 0);
  });

  test("is not guessed from the first second", () => {
    expect(recentRate(run(() => 100, 0.9))).toBeUndefined();
    expect(recentRate([])).toBeUndefined();
  });

  test("remembers few samples", () => {
    expect(run(() => 10, 120).length).toBeLessThan(40);
  });

  test("says nothing of the time left while nothing gets done", () => {
    const still = run(() => 0, 10);
    expect(timeLeftMs(still, 100)).toBeUndefined();
    expect(
      timeLeftMs(
        run(() => 10, 10),
        100,
      ),
    ).toBeCloseTo(10_000, -3);
  });
});
