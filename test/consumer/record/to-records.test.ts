import { expect, test } from "vitest";
import { toRecords } from "../../../consumer/record/to-records.ts";
import { MESSAGE_VERSION } from "../../../shared/model/message.ts";
import { T0, failed } from "../../conformance/ledger-records.ts";
import { callsMessage, closedMessage, outcomesMessage } from "./messages.ts";

test("calls are planned; a call without a method is a GET", () => {
  const calls = [
    { id: "a", url: "http://x/a" },
    { id: "b", url: "http://x/b", method: "POST" as const },
  ];
  expect(toRecords(callsMessage("r", [], { lane: "crm", calls }), T0)).toEqual([
    {
      kind: "planned",
      run: "r",
      calls: [
        { id: "a", lane: "crm", method: "GET", url: "http://x/a" },
        { id: "b", lane: "crm", method: "POST", url: "http://x/b" },
      ],
    },
  ]);
});

test("invalid calls are planned and failed at once, without an attempt", () => {
  const invalid = { id: "a", lane: "crm", method: "GET", url: "", error: "row 7: no URL" };
  const message = {
    v: MESSAGE_VERSION,
    kind: "invalid",
    run: "r",
    generation: 1,
    calls: [invalid],
  } as const;
  expect(toRecords(message, T0)).toEqual([
    { kind: "planned", run: "r", calls: [{ id: "a", lane: "crm", method: "GET", url: "" }] },
    {
      kind: "outcomes",
      run: "r",
      lane: "crm",
      worker: "producer",
      outcomes: [
        {
          id: "a",
          state: "failed",
          reason: "invalid",
          attempts: 0,
          settledAt: T0,
          error: "row 7: no URL",
        },
      ],
    },
  ]);
  expect(toRecords({ ...message, calls: [] }, T0)).toEqual([]);
});

test("the closing record keeps its generation", () => {
  expect(toRecords(closedMessage("r", 9), T0)).toEqual([
    { kind: "closed", run: "r", generation: 1, planned: 9 },
  ]);
});

test("succeeded rows and other outcomes become outcomes alike, instants as whole milliseconds", () => {
  const message = outcomesMessage("r", failed("b"));
  const row = ["a", 204, 2, T0 + 0.4, T0 + 9.6, 8.25] as const;
  const [record] = toRecords({ ...message, succeeded: [row] }, T0);
  expect(record).toMatchObject({
    kind: "outcomes",
    worker: "w1",
    outcomes: [
      {
        id: "a",
        state: "succeeded",
        status: 204,
        attempts: 2,
        startedAt: T0,
        settledAt: T0 + 10,
        latencyMs: 8.25,
      },
      failed("b"),
    ],
  });
});

test.each([
  [
    "an unknown reason",
    { reason: "bored" },
    /outcome\.reason should be rejected, .* and is "bored"/,
  ],
  ["no reason", { reason: undefined }, /outcome\.reason should be .* and is nothing/],
  ["half an attempt", { attempts: 1.5 }, /outcome\.attempts should be a whole number, and is 1\.5/],
  [
    "a status in words",
    { status: "404" },
    /outcome\.status should be a whole number, and is "404"/,
  ],
  [
    "a time past all calendars",
    { settledAt: 1e17 },
    /outcome\.settledAt should be epoch milliseconds/,
  ],
  [
    "an error that is no text",
    { error: { a: 1 } },
    /outcome\.error should be text, and is {"a":1}/,
  ],
  [
    "a latency before its start",
    { latencyMs: -1 },
    /outcome\.latencyMs should be milliseconds, and is -1/,
  ],
])("an outcome with %s is refused before it can spoil a transaction", (_, wrong, text) => {
  const message = outcomesMessage("r", { ...failed("a"), ...wrong } as never);
  expect(() => toRecords(message, T0)).toThrow(text);
});
