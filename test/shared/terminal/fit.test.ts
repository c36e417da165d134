import * as fc from "fast-check";
import { expect, test } from "vitest";
import { cutEnd, cutMiddle, plainLine, widthOf, wrap } from "../../../shared/terminal/fit.ts";

test("text that fits stays as it is", () => {
  expect(cutEnd("exactly", 7)).toBe("exactly");
  expect(cutMiddle("exactly", 7)).toBe("exactly");
});

test("a long URL keeps its host and its tail", () => {
  expect(cutMiddle("https://api.example.com/customers/0001/orders", 25)).toBe(
    "https://api.…/0001/orders",
  );
});

test("wide characters count two columns, combining marks none", () => {
  expect(widthOf("扇風")).toBe(4);
  expect(widthOf("e\u0301")).toBe(1);
  expect(widthOf("\u001b[31mred\u001b[39m")).toBe(3);
  expect(cutEnd("扇風機", 5)).toBe("扇風…");
});

test("no cut is wider than asked for", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.nat(40), (raw, width) => {
      const text = plainLine(raw);
      expect(widthOf(cutEnd(text, width))).toBeLessThanOrEqual(width);
      expect(widthOf(cutMiddle(text, width))).toBeLessThanOrEqual(width);
      for (const line of wrap(text, width)) expect(widthOf(line)).toBeLessThanOrEqual(width);
    }),
  );
});

test("what an API sends cannot command the terminal", () => {
  expect(plainLine("a\u001b[2J\u001b]0;title\u0007b\nc\td\u202ee\u009b31m")).not.toMatch(
    /[\p{Cc}\p{Bidi_Control}]/u,
  );
  expect(plainLine("two\r\nlines")).toBe("two lines");
});
