import { expect, test } from "vitest";
import { drawSeries, judgeGrowth } from "./series.ts";
import type { Point } from "./series.ts";

const made = (value: (second: number) => number): Point[] =>
  Array.from({ length: 90 }, (_, at) => ({ at, value: value(at) }));
const TIGHT = { share: 0.1, least: 2 };

test("what only swings, or grows while it warms up, is flat", () => {
  expect(
    judgeGrowth(
      made((at) => 100 + (at % 7)),
      TIGHT,
      90,
    )?.isFlat,
  ).toBe(true);
  expect(
    judgeGrowth(
      made((at) => Math.min(at, 12) * 10),
      TIGHT,
      90,
    )?.isFlat,
  ).toBe(true);
});

test("a peak at the end is no growth", () => {
  expect(
    judgeGrowth(
      made((at) => (at > 85 ? 1_000 : 10)),
      TIGHT,
      90,
    )?.isFlat,
  ).toBe(true);
});

test("what grows to the end is not flat, unless by no more than its bound", () => {
  const growing = made((at) => 100 + at);
  expect(judgeGrowth(growing, TIGHT, 90)).toMatchObject({ first: 126, last: 177, isFlat: false });
  expect(judgeGrowth(growing, { share: 0.1, least: 51 }, 90)?.isFlat).toBe(true);
  expect(judgeGrowth(growing, { share: 0.5, least: 0 }, 90)?.isFlat).toBe(true);
  expect(judgeGrowth(growing, undefined, 90)?.isFlat).toBe(true);
});

test("of what was not measured to the end nothing is said", () => {
  expect(judgeGrowth(made((at) => at).slice(0, 40), TIGHT, 90)).toBeUndefined();
  expect(judgeGrowth([], TIGHT, 90)).toBeUndefined();
});

test("a plot has a scale and a time, and goes on where nothing was measured", () => {
  const lines = drawSeries(
    [
      { at: 0, value: 2 },
      { at: 1_799, value: 7.5 },
    ],
    1_800,
  );
  expect(lines[0]).toMatch(/^8 +▆$/);
  expect(lines.at(-2)).toMatch(/^0 █{60}$/);
  expect(lines.at(-1)).toBe("  0 min          7.5 min        15 min         22.5 min");
  expect(lines.every((line) => line.length <= 62)).toBe(true);
});
