import { expect, test } from "vitest";
import { compileExpectation, compileQuery } from "../../../shared/json/json-query.ts";
import type { Json } from "../../../shared/json/json-query.ts";

const BODY: Json = {
  ok: true,
  count: 3,
  "a b": "c",
  text: "say $.ok = false",
  items: [{ id: 1 }, { id: 2 }],
  wanted: 2,
  nothing: null,
};

test.each([
  ["$.ok = true"],
  ["$.ok == true && $.count > 2"],
  ["$['a b'] = 'c'"],
  ["$.text = 'say $.ok = false'"],
  ["$.count >= 3 && $.count != 4"],
  ["!$.error"],
  ["$.nothing = null"],
  ["$.items[?@.id == $.wanted]"],
  ["length($.items) = 2"],
  ["match($.text, 'say .*')"],
])("holds: %s", (text) => {
  expect(compileExpectation(text).judge(BODY)).toBeUndefined();
});

test.each<[string, Json, string]>([
  ["$.ok = true", { ok: false }, "false"],
  ["$.ok = true", {}, "nothing there"],
  ["$.ok = true", [], "nothing there"],
  ["$.ok = true", "text", "nothing there"],
  ["$ = 1", null, "null"],
  ["$.status = 'done'", { status: "x".repeat(500) }, `"${"x".repeat(39)}…`],
  ["$.items[0]", { items: [] }, "nothing there"],
  ["$['a b'] = 1", { "a b": [1, 2, 3] }, "a list of 3"],
  ["length($.items) = 2", { items: [1] }, "a list of 1"],
])("does not hold: %s of %j: found %s", (text, body, found) => {
  expect(compileExpectation(text).judge(body)).toBe(found);
});

test.each([
  ["$.ok =", /is not understood .*such as \$\.ok = true/],
  ["ok = true", /asks nothing of the body/],
  // Several values equal nothing.
  ["$.items[*] = 1", /is not understood/],
  ["$.ok = true]", /is not understood/],
  ["match($.a, $.pattern)", /the pattern of match and search must be written out/],
  ["search($.a, $['x'])", /the pattern of match and search must be written out/],
])("is refused: %s", (text, said) => {
  expect(() => compileExpectation(text)).toThrow(said);
});

test("a query gives every value, in order, and nothing of what JavaScript adds to objects", () => {
  expect(compileQuery("$.items[*].id")(BODY)).toEqual([1, 2]);
  expect(compileQuery("$.__proto__.constructor")({})).toEqual([]);
  expect(compileQuery("$.items.length")(BODY)).toEqual([]);
  expect(() => compileQuery("$.a.")).toThrow(/is no JSONPath/);
  expect(() => compileQuery("name")).toThrow(/begins with \$/);
});

test("a body that is nested without end is told of, and not descended into", () => {
  const deep = JSON.parse("[".repeat(5_000) + "]".repeat(5_000)) as Json;
  expect(() => compileQuery("$..x")(deep)).toThrow(/recursion/);
});
