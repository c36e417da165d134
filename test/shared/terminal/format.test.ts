import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatForecast,
  formatPercent,
  formatQuantity,
  formatRate,
} from "../../../shared/terminal/format.ts";

describe("durations", () => {
  test.each([
    [0, "0 ms"],
    [0.44, "0.4 ms"],
    [9.94, "9.9 ms"],
    [9.96, "10 ms"],
    [41.2, "41 ms"],
    [999.4, "999 ms"],
    [999.6, "1.0 s"],
    [1_234, "1.2 s"],
    [9_949, "9.9 s"],
    [9_951, "10 s"],
    [59_499, "59 s"],
    [59_500, "1 m"],
    [200_000, "3 m 20 s"],
    [3_599_600, "1 h"],
    [7_500_000, "2 h 5 m"],
    [86_399_000, "1 d"],
    [273_600_000, "3 d 4 h"],
  ])("%d ms are written %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test("never carry a unit that is full", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e10, noNaN: true }), (ms) => {
        expect(formatDuration(ms)).not.toMatch(/\b(1000 ms|60 s|60 m|24 h)/);
      }),
    );
  });
});

test.each([
  [300, "about 1 s"],
  [8_400, "about 8 s"],
  [38_000, "about 40 s"],
  [59_000, "about 1 m"],
  [170_000, "about 3 m"],
  [7_900_000, "about 2 h 10 m"],
])("a forecast of %d ms is written %s", (ms, text) => {
  expect(formatForecast(ms)).toBe(text);
});

test("counts have separators, and quantities the right number", () => {
  expect(formatCount(1_234_567)).toBe("1,234,567");
  expect(formatQuantity(1, "call")).toBe("1 call");
  expect(formatQuantity(0, "call")).toBe("0 calls");
  expect(formatQuantity(2, "copy", "copies")).toBe("2 copies");
});

test("a rate is per second, or per minute where it is slow", () => {
  expect([1234.4, 24.53, 20, 1, 0.2].map(formatRate)).toEqual([
    "1,234/s",
    "24.5/s",
    "20/s",
    "1/s",
    "12/m",
  ]);
});

test("0 % and 100 % are said only where they are exact", () => {
  expect([0, 0.0001, 0.003, 0.0316, 0.487, 0.9996, 0.9981, 1].map(formatPercent)).toEqual([
    "0 %",
    "<0.1 %",
    "0.3 %",
    "3.2 %",
    "49 %",
    ">99.9 %",
    "99.8 %",
    "100 %",
  ]);
});

test("bytes are in decimal units", () => {
  expect([0, 812, 999, 1_000, 4_130, 999_600, 20_400_000, 3e12].map(formatBytes)).toEqual([
    "0 B",
    "812 B",
    "999 B",
    "1 kB",
    "4.1 kB",
    "1 MB",
    "20 MB",
    "3 TB",
  ]);
});
