import { writeFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import type { AnswerStore } from "../../shared/answers/answer-store.ts";

/** What senpu relies on, of any answer store. `make`: one of its own for the test that asks, opened as often as wanted. */
export function answersConformance(
  name: string,
  make: () => Promise<{ open(): AnswerStore; openNowhere(): AnswerStore }>,
): void {
  describe(`answers: ${name}`, () => {
    test("a segment of many answers is read by another process, as a whole and in parts", async () => {
      const { open } = await make();
      const parts = ["first", "風", ""].map((text) => Buffer.from(text));
      const segment = await open().write("r.1", parts);
      const other = open();
      expect((await other.load("r.1", segment)).toString()).toBe("first風");
      expect(await buffer(other.read("r.1", segment, 5, 3))).toEqual(Buffer.from("風"));
      expect(await buffer(other.read("r.1", segment, 0, 0))).toEqual(Buffer.alloc(0));
    });

    test("the same written twice is two segments, and neither is the other's", async () => {
      const { open } = await make();
      const store = open();
      const both = await Promise.all([
        store.write("r", [Buffer.from("a")]),
        store.write("r", [Buffer.from("b")]),
      ]);
      expect(new Set(both).size).toBe(2);
      expect(String(await store.load("r", both[0]))).toBe("a");
    });

    test("what is too large for memory is written to a file first, and kept or discarded", async () => {
      const { open } = await make();
      const store = open();
      const body = Buffer.alloc(400_000, "風");
      const file = await store.begin("r");
      await writeFile(file.path, body);
      const segment = await file.keep();
      expect(await buffer(store.read("r", segment, 0, body.length))).toEqual(body);
      const gone = await store.begin("r");
      await writeFile(gone.path, body);
      await gone.discard();
      await expect(writeFile(gone.path, "", { flag: "r+" })).rejects.toThrow(/ENOENT/);
    });

    test("a segment that is gone, or shorter than it was, is an error and no answer", async () => {
      const { open } = await make();
      const store = open();
      const segment = await store.write("r", [Buffer.from("four")]);
      await expect(buffer(store.read("r", segment, 2, 3))).rejects.toMatchObject({
        code: "answers",
      });
      await expect(store.load("r", "0-none")).rejects.toMatchObject({ code: "answers" });
      await expect(buffer(store.read("r", "0-none", 0, 1))).rejects.toMatchObject({
        code: "answers",
      });
    });

    test("names that lead elsewhere are refused", async () => {
      const { open } = await make();
      const store = open();
      await expect(store.write("../r", [])).rejects.toMatchObject({ code: "answers" });
      await expect(store.load("r", "../../x")).rejects.toMatchObject({ code: "answers" });
      await expect(buffer(store.read("r", "a/b", 0, 1))).rejects.toMatchObject({ code: "answers" });
    });

    test("a run's answers go with it, and no other's", async () => {
      const { open } = await make();
      const store = open();
      const [one, other] = [
        await store.write("r", [Buffer.from("a")]),
        await store.write("r2", [Buffer.from("b")]),
      ];
      await store.removeRun("r");
      await store.removeRun("r");
      await expect(store.load("r", one)).rejects.toMatchObject({ code: "answers" });
      expect(String(await store.load("r2", other))).toBe("b");
    });

    test("a store that cannot be reached says so", async () => {
      const store = (await make()).openNowhere();
      await expect(store.write("r", [Buffer.from("a")])).rejects.toMatchObject({ code: "answers" });
    });
  });
}
