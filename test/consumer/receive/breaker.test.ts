import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Breaker } from "../../../consumer/receive/breaker.ts";
import { DEFAULT_BREAKER } from "../../../shared/model/policy.ts";

const policy = { ...DEFAULT_BREAKER, share: 0.5, minimum: 4, windowMs: 1_000 };

test("it trips once enough attempts were made, and enough of them failed", () => {
  const breaker = new Breaker(policy);
  for (const failed of [true, true, true]) breaker.note(failed, 10_000);
  expect(breaker.hasTripped(10_000)).toBe(false);
  breaker.note(false, 10_100);
  expect(breaker.hasTripped(10_100)).toBe(true);
  expect(breaker.describe()).toBe("3 of 4 attempts failed");
});

test("successes keep it from tripping", () => {
  const breaker = new Breaker(policy);
  for (let i = 0; i < 30; i++) breaker.note(i % 3 === 0, 10_000 + i);
  expect(breaker.hasTripped(10_030)).toBe(false);
});

test("what is older than the window does not count", () => {
  const breaker = new Breaker(policy);
  for (let i = 0; i < 10; i++) breaker.note(true, 10_000);
  expect(breaker.hasTripped(10_800)).toBe(true);
  expect(breaker.hasTripped(11_100)).toBe(false);
  expect(breaker.isQuiet(11_100)).toBe(true);
});

test("it counts what a window of nine to ten tenths holds, whatever the times", () => {
  const attempt = fc.record({ failed: fc.boolean(), afterMs: fc.nat(700) });
  fc.assert(
    fc.property(fc.array(attempt, { minLength: 1 }), (attempts) => {
      const breaker = new Breaker({ ...policy, minimum: 1, share: 0 });
      let now = 50_000;
      const seen = attempts.map(({ failed, afterMs }) => {
        now += afterMs;
        breaker.note(failed, now);
        return { failed, at: now };
      });
      const [, failed = "", all = ""] = /^(\d+) of (\d+)/.exec(breaker.describe()) ?? [];
      const since = (ms: number) => seen.filter(({ at }) => at > now - ms);
      expect(Number(all)).toBeGreaterThanOrEqual(since(900).length);
      expect(Number(all)).toBeLessThanOrEqual(since(1_000).length);
      expect(Number(failed)).toBeLessThanOrEqual(since(1_000).filter((one) => one.failed).length);
    }),
  );
});
