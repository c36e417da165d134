import * as fc from "fast-check";
import { expect, test } from "vitest";
import { RunTally, roundedLatencyUs } from "../../../shared/ledger/run-tally.ts";
import type { Countable } from "../../../shared/ledger/run-tally.ts";

const outcome: fc.Arbitrary<Countable> = fc.record({
  state: fc.constantFrom("succeeded", "failed", "cancelled"),
  reason: fc.constantFrom("rejected", "unknown"),
  status: fc.option(fc.constantFrom(404, 503)),
  attempts: fc.nat(9),
  latencyMs: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true })),
});

test("what is put in and taken out again leaves nothing", () => {
  fc.assert(
    fc.property(fc.array(outcome), (all) => {
      const tally = new RunTally();
      for (const one of all) tally.add(one);
      for (const one of all) tally.takeOut(one);
      expect([tally.succeeded, tally.failed, tally.cancelled, tally.attempts]).toEqual([
        0, 0, 0, 0,
      ]);
      expect([...tally.latencies.values()].every((change) => change === 0)).toBe(true);
      expect([...tally.failures.values()].every(({ change }) => change === 0)).toBe(true);
    }),
  );
});

test("a latency is rounded by half a percent at most, to one of few values", () => {
  fc.assert(
    fc.property(fc.double({ min: 0.001, max: 1e7, noNaN: true }), (latencyMs) => {
      const us = Math.round(latencyMs * 1000);
      const rounded = roundedLatencyUs(latencyMs);
      expect(Math.abs(rounded - us)).toBeLessThanOrEqual(us * 0.005);
      expect(Number(rounded.toPrecision(3))).toBe(rounded);
    }),
  );
});
