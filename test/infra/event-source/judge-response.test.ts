import { expect, test } from "vitest";
import { doneWith } from "../../../infra/event-source/judge-response.ts";

const BATCH = ["a", "b", "c"];
const returned = (result: unknown) => ({ kind: "returned", result }) as const;

test.each([
  ["null", null],
  ["an empty response", {}],
  ["a null list", { batchItemFailures: null }],
  ["an empty list", { batchItemFailures: [] }],
])("%s is a complete success", (_name, result) => {
  expect(doneWith(returned(result), BATCH)).toEqual(BATCH);
});

test("what is reported comes again, the rest is done with", () => {
  const result = { batchItemFailures: [{ itemIdentifier: "b" }] };
  expect(doneWith(returned(result), BATCH)).toEqual(["a", "c"]);
});

test.each([
  ["an identifier that is empty", [{ itemIdentifier: "" }]],
  ["an identifier that is null", [{ itemIdentifier: null }]],
  ["another key", [{ messageId: "a" }]],
  ["an identifier of no message", [{ itemIdentifier: "a" }, { itemIdentifier: "z" }]],
])("%s makes it a complete failure", (_name, batchItemFailures) => {
  expect(doneWith(returned({ batchItemFailures }), BATCH)).toEqual([]);
});

test.each([
  { kind: "threw", error: { errorType: "Error", errorMessage: "", trace: [] } },
  { kind: "timed out" },
  { kind: "out of memory" },
  { kind: "exited", how: "signal SIGKILL" },
] as const)("a function error ($kind) makes it a complete failure", (end) => {
  expect(doneWith(end, BATCH)).toEqual([]);
});
