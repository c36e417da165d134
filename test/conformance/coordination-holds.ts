import { describe, expect, test } from "vitest";
import type { MakeCoordinationStore } from "./coordination.ts";

const T0 = 1_785_542_400_000;
const CHUNK = "r/1/k";
const ask = (holder: string, now: number) => ({ chunk: CHUNK, holder, ttlMs: 20_000, now });
const marked = (holder: string, now: number) => ({
  holder,
  heldUntil: now + 20_000,
  startedBelow: 8,
  unsafe: ["a"],
  done: [0],
  attempts: {},
});

/** One delivery of a chunk with unsafe calls is worked on at a time, whatever copies of its message there are. */
export function describeHolds(make: MakeCoordinationStore): void {
  const openTwo = async () => {
    const store = await make(() => T0);
    return [await store.open(), await store.open()] as const;
  };

  describe("holds of chunks", () => {
    test("the first has it, until its time is over", async () => {
      const [one, other] = await openTwo();
      expect(await one.holdChunk(ask("one", T0))).toEqual({ state: "ours", checkpoint: undefined });
      const refused = await other.holdChunk(ask("other", T0 + 19_000));
      expect(refused).toMatchObject({ state: "others" });
      expect(await one.holdChunk(ask("one", T0 + 1))).toMatchObject({ state: "ours" });
      expect(await other.holdChunk(ask("other", T0 + 60_000))).toMatchObject({ state: "ours" });
    });

    test("of ten who ask at once, one has it", async () => {
      const stores = await openTwo();
      const asked = Array.from({ length: 10 }, (_, index) =>
        stores[index % 2]!.holdChunk(ask(`holder ${index}`, T0)),
      );
      const states = (await Promise.all(asked)).map(({ state }) => state);
      expect(states.filter((state) => state === "ours")).toHaveLength(1);
    });

    test("a checkpoint renews it, and is what the next holder finds", async () => {
      const [one, other] = await openTwo();
      await one.holdChunk(ask("one", T0));
      expect(await one.writeCheckpoint(CHUNK, marked("one", T0 + 15_000), T0 + 15_000)).toBe(true);
      expect(await other.holdChunk(ask("other", T0 + 30_000))).toMatchObject({ state: "others" });
      expect(await other.holdChunk(ask("other", T0 + 90_000))).toMatchObject({
        state: "ours",
        checkpoint: { startedBelow: 8, unsafe: ["a"], done: [0] },
      });
    });

    test("who has lost it writes nothing any more", async () => {
      const [one, other] = await openTwo();
      await one.holdChunk(ask("one", T0));
      await other.holdChunk(ask("other", T0 + 60_000));
      expect(await one.writeCheckpoint(CHUNK, marked("one", T0 + 61_000), T0 + 61_000)).toBe(false);
      expect(await one.readCheckpoint(CHUNK)).toMatchObject({ holder: "other", done: [] });
    });

    test("one that was sent before another and arrives after it changes nothing", async () => {
      const [one, other] = await openTwo();
      await one.holdChunk(ask("one", T0));
      const renewal = { ...marked("one", T0), startedBelow: 0, unsafe: [], revision: 1 };
      expect(await one.writeCheckpoint(CHUNK, { ...marked("one", T0), revision: 2 }, T0)).toBe(
        true,
      );
      expect(await one.writeCheckpoint(CHUNK, renewal, T0)).toBe(false);
      expect(await one.readCheckpoint(CHUNK)).toMatchObject({ startedBelow: 8, unsafe: ["a"] });
      // Sent again, because the answer was lost.
      expect(await one.writeCheckpoint(CHUNK, { ...marked("one", T0), revision: 2 }, T0)).toBe(
        true,
      );
      // Whoever takes hold of it next counts from its start.
      await other.holdChunk(ask("other", T0 + 60_000));
      const next = { ...marked("other", T0 + 60_000), revision: 1 };
      expect(await other.writeCheckpoint(CHUNK, next, T0 + 60_000)).toBe(true);
    });

    test("one that is over stays so, and tells of nothing that was started", async () => {
      const [one, other] = await openTwo();
      await one.holdChunk(ask("one", T0));
      await one.writeCheckpoint(CHUNK, marked("one", T0), T0);
      await one.endChunks([CHUNK, "r/1/never-held"], T0 + 1);
      for (const chunk of [CHUNK, "r/1/never-held"]) {
        const request = { ...ask("other", T0 + 90_000), chunk };
        expect(await other.holdChunk(request)).toEqual({ state: "over" });
      }
      expect(await other.startedUnsafe("r")).toEqual(new Set());
      await one.prune(T0 + 2);
      expect(await other.holdChunk(ask("other", T0 + 90_000))).toMatchObject({ state: "ours" });
    });
  });
}
