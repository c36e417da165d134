import fc from "fast-check";
import { expect, test } from "vitest";
import { parseRetryAfter, retryDelayMs } from "../../../consumer/execute/delay.ts";

const backoff = { firstMs: 500, factor: 2, maxMs: 30_000, jitter: "full" } as const;
const random = fc.double({ min: 0, max: 0.999_999, noNaN: true });

test("full jitter spreads over everything from nothing to the grown delay, and never past the maximum", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), random, (attempt, r) => {
      const delay = retryDelayMs(backoff, attempt, undefined, r);
      const grown = Math.min(30_000, 500 * 2 ** (attempt - 1));
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

test.each([
  ["3", 3000],
  [" 0 ", 0],
  ["Thu, 01 Jan 2026 00:00:07 GMT", 7000],
  ["Thu, 01 Jan 2020 00:00:00 GMT", 0],
  ["soon", undefined],
  ["", undefined],
  [undefined, undefined],
])("Retry-After %j asks for %j ms", (header, ms) => {
  expect(parseRetryAfter(header, Date.parse("2026-01-01T00:00:00Z"))).toBe(ms);
});
