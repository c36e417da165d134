import * as fc from "fast-check";
import { expect, test } from "vitest";
import { packBatches, sizeOfEntry } from "../../../shared/broker/pack-batches.ts";

const entries = fc.array(
  fc.record({
    body: fc.string({ unit: "binary", minLength: 1, maxLength: 40 }),
    attributes: fc.dictionary(
      fc.string({ unit: "binary", minLength: 1, maxLength: 5 }),
      fc.string({ unit: "binary", minLength: 1, maxLength: 5 }),
      { maxKeys: 3 },
    ),
  }),
  { maxLength: 60 },
);
const limits = fc.record({
  maxEntries: fc.integer({ min: 1, max: 10 }),
  maxBytes: fc.integer({ min: 400, max: 900 }),
  name: fc.constant("test"),
});

test("every entry is in exactly one batch, in order, and no batch is empty or over a limit", () => {
  fc.assert(
    fc.property(entries, limits, (all, limit) => {
      const batches = packBatches(all, limit);
      expect(batches.flat()).toEqual(all);
      for (const batch of batches) {
        expect(batch.length).toBeGreaterThan(0);
        expect(batch.length).toBeLessThanOrEqual(limit.maxEntries);
        expect(batch.reduce((sum, entry) => sum + sizeOfEntry(entry), 0)).toBeLessThanOrEqual(
          limit.maxBytes,
        );
      }
    }),
  );
});

test("a batch ends only where the next entry would not have fitted", () => {
  fc.assert(
    fc.property(entries, limits, (all, limit) => {
      const batches = packBatches(all, limit);
      for (const [index, batch] of batches.slice(0, -1).entries()) {
        const bytes = [...batch, batches[index + 1]![0]!].reduce(
          (sum, entry) => sum + sizeOfEntry(entry),
          0,
        );
        expect(batch.length === limit.maxEntries || bytes > limit.maxBytes).toBe(true);
      }
    }),
  );
});

test("bytes are UTF-8, of the body and of each attribute's name, type and value", () => {
  expect(sizeOfEntry({ body: "é🎐" })).toBe(6);
  expect(sizeOfEntry({ body: "x", attributes: { lane: "é" } })).toBe(1 + 4 + "String".length + 2);
});

test("an entry of exactly the limit is packed, one byte more is refused by name and size", () => {
  const limit = { maxEntries: 10, maxBytes: 100, name: "the test's limit" };
  expect(packBatches([{ body: "x".repeat(100) }], limit)).toHaveLength(1);
  expect(() => packBatches([{ body: "x".repeat(101) }], limit)).toThrow(
    /101 bytes .*the test's limit, 100 bytes/,
  );
});
