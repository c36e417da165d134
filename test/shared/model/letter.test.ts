import { expect, test } from "vitest";
import { MAX_MESSAGE_ATTRIBUTES } from "../../../shared/limits.ts";
import { encodeLetter } from "../../../shared/model/letter.ts";
import { decodeMessage } from "../../../shared/model/message.ts";
import { T0, failed } from "../../conformance/ledger-records.ts";
import { callsMessage } from "../../consumer/record/messages.ts";

const call = { id: "a", url: "https://api.example.com/a", attempts: 2, startedAt: T0 };

test("a letter says why, and where it came from", () => {
  const message = callsMessage("r", ["a", "b"], { lane: "crm", notBefore: T0 });
  const { attributes } = encodeLetter(
    message,
    call,
    failed("a", "exhausted", { status: 503, attempts: 5 }),
  );
  expect(attributes).toEqual({
    run: "r",
    call: "a",
    lane: "crm",
    reason: "exhausted",
    status: "503",
    attempts: "5",
    error: "404 Not Found",
    failedAt: "2026-08-01T00:00:00.100Z",
  });
  expect(Object.keys(attributes ?? {}).length).toBeLessThanOrEqual(MAX_MESSAGE_ATTRIBUTES);
});

test("its call can be made again from the letter alone, from the start", () => {
  const message = callsMessage("r", ["a", "b"], { notBefore: T0 });
  const { body } = encodeLetter(message, call, failed("a"));
  const { notBefore: _, ...rest } = message;
  expect(decodeMessage(body)).toEqual({
    ...rest,
    calls: [{ id: "a", url: "https://api.example.com/a" }],
  });
});

test("what SQS takes for no attribute is left out or replaced, and a long error is cut", () => {
  const message = callsMessage("r", ["a"]);
  const error = `\u0000\u001bbad \uD800 half${"x".repeat(300)}`;
  const { attributes } = encodeLetter(message, call, {
    id: "a",
    state: "failed",
    attempts: 0,
    settledAt: T0,
    error,
  });
  expect(attributes).not.toHaveProperty("reason");
  expect(attributes).not.toHaveProperty("status");
  expect(attributes?.["error"]).toMatch(/^bad \uFFFD halfx+$/);
  expect(attributes?.["error"]?.length).toBeLessThanOrEqual(200);
});
