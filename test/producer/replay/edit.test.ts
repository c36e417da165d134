import { expect, test } from "vitest";
import { readEdited } from "../../../producer/replay/edit.ts";
import { toWritten } from "../../../producer/replay/written-call.ts";
import type { Call } from "../../../shared/model/call.ts";

const calls: readonly Call[] = [
  { id: "a", url: "https://api.example.com/a", key: "k0", timeoutMs: 1_500 },
  {
    id: "b",
    url: "https://api.example.com/b",
    method: "PUT",
    json: '{"n":1.0}',
    headers: { x: "1" },
  },
];
const lines = calls.map((call) => JSON.stringify(toWritten(call)));
const read = (...texts: string[]) => readEdited(texts.join("\n"), calls, lines, "calls.jsonl");

test("lines that were not touched are the calls as they were", () => {
  expect([...read(...lines, "").values()]).toEqual(calls);
});

test("a changed line is the changed call; what it does not change stays", () => {
  const edited = read(lines[0]!, lines[1]!.replace("/b", "/c").replace('"x":"1"', '"X":"2"'));
  expect(edited.get("b")).toEqual({
    ...calls[1],
    url: "https://api.example.com/c",
    headers: { x: "2" },
  });
});

test("a deleted line leaves its call out", () => {
  expect([...read(lines[1]!).keys()]).toEqual(["b"]);
});

test.each([
  ["{broken", /^calls\.jsonl:2 broken JSON/],
  ['{"id":"b","url":"ftp://x"}', /^calls\.jsonl:2 url: /],
  [
    '{"id":"b","url":"https://x.example","headers":{"a b":"1"}}',
    /^calls\.jsonl:2 headers\["a b"\]: /,
  ],
  ['{"id":"z","url":"https://x.example"}', /^calls\.jsonl:2 id: "z" is none of the chosen calls/],
  ['{"url":"https://x.example"}', /^calls\.jsonl:2 id: is missing/],
  [lines[0]!, /^calls\.jsonl:2 id: "a" stands twice/],
  ['{"id":"b","url":"https://x.example","verb":"PUT"}', /^calls\.jsonl:2 verb: is not known/],
])("%s is an error that names line and field", (line, complaint) => {
  expect(() => read(lines[0]!, line)).toThrow(complaint);
  expect(() => read(lines[0]!, line)).toThrow(/nothing was sent/);
});
