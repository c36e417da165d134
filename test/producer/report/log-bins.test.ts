import fc from "fast-check";
import { expect, test } from "vitest";
import { LOG_BINS, coarsen, logBinOf, percentileOf } from "../../../producer/report/log-bins.ts";

function count(latencies: readonly number[]): Uint32Array {
  const counts = new Uint32Array(LOG_BINS);
  for (const ms of latencies) counts[logBinOf(ms)]! += 1;
  return counts;
}

const latency = fc.double({ min: 0.11, max: 10 ** 6, noNaN: true });

test("a percentile is within the width of a bin of the exact one", () => {
  fc.assert(
    fc.property(
      fc.array(latency, { minLength: 1, maxLength: 200 }),
      fc.constantFrom(0.5, 0.95, 0.99),
      (latencies, share) => {
        const sorted = latencies.toSorted((a, b) => a - b);
        const exact = sorted[Math.ceil(share * sorted.length) - 1]!;
        const ratio = percentileOf(count(latencies), share)! / exact;
        expect(ratio).toBeGreaterThan(0.94);
        expect(ratio).toBeLessThan(1.06);
      },
    ),
  );
});

test("the bins that are shown hold every call, and are at most some dozen", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, noNaN: true })), (latencies) => {
      const bins = coarsen(count(latencies));
      expect(bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(latencies.length);
      expect(bins.length).toBeLessThanOrEqual(61);
    }),
  );
});

test("a call's latency lies within the bin that it is shown in", () => {
  for (const ms of [0.4, 1, 9.99, 41, 1_000, 30_000]) {
    const [bin] = coarsen(count([ms]));
    expect(bin!.fromMs).toBeLessThanOrEqual(ms * 1.000001);
    expect(bin!.toMs).toBeGreaterThan(ms);
  }
});

test("of nothing there is no percentile", () => {
  expect(percentileOf(new Uint32Array(LOG_BINS), 0.5)).toBeNull();
});
