import { array, assert, integer, property, tuple, boolean } from "fast-check";
import { describe, expect, it } from "vitest";
import { Bag } from "../../shared/bag.ts";

describe("Bag", () => {
  it("holds what a Set holds, whatever comes and goes", () => {
    const step = tuple(boolean(), integer({ min: 0, max: 12 }));
    assert(
      property(array(step, { maxLength: 60 }), (steps) => {
        const bag = new Bag<number>();
        const set = new Set<number>();
        for (const [comes, item] of steps) {
          if (!comes) expect(bag.delete(item)).toBe(set.delete(item));
          else if (!set.has(item)) {
            bag.add(item);
            set.add(item);
          }
          expect(bag.size).toBe(set.size);
          expect(new Set(bag)).toEqual(set);
        }
      }),
    );
  });

  it("can be walked while what is in it goes", () => {
    const bag = new Bag<number>();
    for (const item of [1, 2, 3, 4]) bag.add(item);
    const seen: number[] = [];
    for (const item of bag) {
      seen.push(item);
      bag.delete(item);
    }
    expect(new Set(seen)).toEqual(new Set([1, 2, 3, 4]));
    expect(bag.size).toBe(0);
  });

  it("is empty once cleared", () => {
    const bag = new Bag<string>();
    bag.add("one");
    bag.clear();
    expect([...bag]).toEqual([]);
    expect(bag.delete("one")).toBe(false);
  });
});
