import * as fc from "fast-check";
import { expect, test } from "vitest";
import { formatDuration, parseDurationMs, parseRate } from "../../shared/duration.ts";

test.each([
  ["500ms", 500],
  ["10s", 10_000],
  ["1.5s", 1_500],
  ["5m", 300_000],
  ["2h", 7_200_000],
  ["30d", 2_592_000_000],
  ["0s", 0],
])("%s is %d ms", (text, durationMs) => {
  expect(parseDurationMs(text)).toBe(durationMs);
});

test.each(["", "10", "10 s", "-1s", "1e3s", "s", "10S", "1h30m", "١s", "1s\n"])(
  "%j is no duration",
  (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  },
);

test("a duration is written in its longest whole unit", () => {
  expect([0, 1, 1_500, 90_000, 120_000, 7_200_000, 172_800_000].map(formatDuration)).toEqual([
    "0ms",
    "1ms",
    "1500ms",
    "90s",
    "2m",
    "2h",
    "2d",
  ]);
});

test("what is written is read as the same", () => {
  fc.assert(
    fc.property(fc.nat(), (durationMs) => {
      expect(parseDurationMs(formatDuration(durationMs))).toBe(durationMs);
    }),
  );
});

test.each([
  ["20/s", { count: 20, perMs: 1_000 }],
  ["300/m", { count: 300, perMs: 60_000 }],
  ["1/h", { count: 1, perMs: 3_600_000 }],
  ["100000/s", { count: 100_000, perMs: 1_000 }],
  ["360000000/h", { count: 360_000_000, perMs: 3_600_000 }],
])("%s is a rate", (text, rate) => {
  expect(parseRate(text)).toEqual(rate);
});

test.each([
  "",
  "20",
  "0/s",
  "1.5/s",
  "-1/s",
  "20/d",
  "20 /s",
  "9007199254740993/s",
  "20/s\n",
  "100001/s",
  "6000001/m",
])("%j is no rate", (text) => {
  expect(parseRate(text)).toBeUndefined();
});
