import fc from "fast-check";
import { expect, test } from "vitest";
import { answerName } from "../../../shared/answers/answer-name.ts";
import { toCsvRow } from "../../../shared/answers/csv-row.ts";

test("every id has a name of its own that leads nowhere else, whatever is in it", () => {
  const ids = fc.uniqueArray(fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 }), {
    minLength: 2,
    maxLength: 20,
  });
  fc.assert(
    fc.property(ids, (all) => {
      const names = all.map(answerName);
      expect(new Set(names).size).toBe(all.length);
      for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_%-][A-Za-z0-9._%~-]{0,200}$/);
    }),
  );
});

test("names that a file system would misread are written otherwise", () => {
  expect(["a1", "..", "a/b", ".hidden", "風"].map(answerName)).toEqual([
    "a1",
    "%2E%2E",
    "a%2Fb",
    "%2Ehidden",
    "%E9%A2%A8",
  ]);
});

test("a row of CSV quotes what would end a cell", () => {
  expect(toCsvRow(["a", 'say "hi"', "b,c", "two\nlines", " edge", ""])).toBe(
    'a,"say ""hi""","b,c","two\nlines"," edge",\n',
  );
});
