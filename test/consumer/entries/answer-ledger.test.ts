import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { answerLedger } from "../../../consumer/entries/answer-ledger.ts";
import { WRITING_METHODS } from "../../../shared/ledger/function-wire.ts";
import { openSqliteLedger } from "../../../shared/ledger/sqlite-ledger.ts";
import { T0, newRun } from "../../conformance/ledger-records.ts";

const folder = mkdtempSync(join(tmpdir(), "senpu-answer-ledger-"));
const ledger = openSqliteLedger(join(folder, "ledger.db"));
afterAll(async () => {
  await ledger.close();
  rmSync(folder, { recursive: true });
});
const ask = (event: unknown, access: "read" | "write" = "write") =>
  answerLedger(ledger, event, access);

test.each(WRITING_METHODS)("who may only read may not %s", async (method) => {
  expect(await ask({ method, args: [] }, "read")).toEqual({
    error: {
      code: "ledger",
      message: `${method} changes the ledger, and this function only reads it; ask the one that writes`,
    },
  });
});

test.each<[string, unknown, string]>([
  ["no object", 7, "method should be one of"],
  [
    "a method that is no method of the ledger",
    { method: "constructor", args: [] },
    "method should",
  ],
  ["one that is the recorder's", { method: "outbox", args: [] }, "method should be one of"],
  ["no list of arguments", { method: "findRun", args: "r" }, "args should be a list"],
  ["an id that is no text", { method: "findRun", args: [{ $ne: 1 }] }, "id should be text"],
  ["an id without end", { method: "findRun", args: ["x".repeat(200_000)] }, "id should be text"],
  ["a limit below none", { method: "listRuns", args: [-1, 0] }, "limit should be a whole number"],
  ["a time that is no number", { method: "beat", args: ["r", "now"] }, "at should be a whole"],
  [
    "a state of its own",
    { method: "setState", args: ["r", "odd", "me", 1] },
    "state should be one",
  ],
  ["outcomes", { method: "record", args: [[{ kind: "outcomes" }], 1] }, "records.kind should be"],
  [
    "too many ids",
    { method: "known", args: ["r", Array(6_000).fill("x")] },
    "ids should be a list",
  ],
  ["a filter of text", { method: "calls", args: ["r", "state"] }, "filter should be an object"],
  ["half a status", { method: "calls", args: ["r", { status: { from: 1 } }] }, "filter.status.to"],
  [
    "settings that are no JSON",
    { method: "createRun", args: [newRun("x", { settings: "{" }), "me"] },
    "run.settings should be a JSON object",
  ],
  [
    "a tolerance of more than all",
    { method: "createRun", args: [newRun("x", { tolerance: 2 }), "me"] },
    "run.tolerance should be a share",
  ],
])("%s is refused in a line", async (_, event, words) => {
  expect(await ask(event)).toEqual({
    error: { code: "message", message: expect.stringContaining(words) as string },
  });
});

test("what nobody asked for is left out of what is stored", async () => {
  const args = [{ ...newRun("r"), state: "settled", key: 99 }, "me"];
  expect(await ask({ method: "createRun", args })).toEqual({ value: null });
  expect(await ledger.findRun("r")).toMatchObject({ state: "running", generation: 1, beatAt: T0 });
});

test("an error that is not senpu's own fails the invocation", async () => {
  const broken = { ...ledger, findRun: () => Promise.reject(new TypeError("boom")) };
  const request = { method: "findRun", args: ["r"] };
  await expect(answerLedger(broken, request, "read")).rejects.toThrow("boom");
});
