import fc from "fast-check";
import { expect, test } from "vitest";
import { parseRetryAfter, retryDelayMs } from "../../../consumer/execute/delay.ts";

const backoff = { firstMs: 500, factor: 2, maxMs: 30_000, jitter: "full" } as const;
const random = fc.double({ min: 0, max: 0.999_999, noNaN: true });

test("full jitter spreads over everything from nothing to the grown delay, and never past the maximum", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20_000 }), random, (failure, r) => {
      const delay = retryDelayMs(backoff, failure, undefined, r);
      const grown = Math.min(30_000, 500 * 2 ** (failure - 1));
      expect(delay).toBeGreaterThanOrEqual(0);
      expect(delay).toBeLessThanOrEqual(grown);
      expect(delay).toBeCloseTo(grown * r, 6);
    }),
  );
});

test("without jitter the delay doubles", () => {
  const plain = { ...backoff, jitter: "none" } as const;
  expect([1, 2, 3, 4].map((n) => retryDelayMs(plain, n, undefined, 0.3))).toEqual([
    500, 1000, 2000, 4000,
  ]);
});

test("a Retry-After is never undercut, and a Retry-After of 0 leaves the backoff on", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100_000 }), random, (retryAfterMs, r) => {
      expect(retryDelayMs(backoff, 3, retryAfterMs, r)).toBeGreaterThanOrEqual(retryAfterMs);
      expect(retryDelayMs(backoff, 3, 0, r)).toBeGreaterThanOrEqual(
        retryDelayMs(backoff, 3, undefined, r),
      );
    }),
  );
});

const HOUR_MS = 3_600_000;

test.each([
  ["3", 3000],
  ["3600", HOUR_MS],
  ["3601", HOUR_MS],
  ["9".repeat(400), HOUR_MS],
  ["Fri, 01 Jan 2027 00:00:00 GMT", HOUR_MS],
  [" 0 ", 0],
  ["Thu, 01 Jan 2026 00:00:07 GMT", 7000],
  ["Thu, 01 Jan 2020 00:00:00 GMT", 0],
  ["soon", undefined],
  ["", undefined],
  [undefined, undefined],
])("Retry-After %j asks for %j ms, where an hour is the most that is believed", (header, ms) => {
  expect(parseRetryAfter(header, Date.parse("2026-01-01T00:00:00Z"), HOUR_MS)).toBe(ms);
});
