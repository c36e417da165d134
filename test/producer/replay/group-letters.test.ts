import { describe, expect, test } from "vitest";
import { LetterGroups } from "../../../producer/replay/group-letters.ts";
import type { Delivery } from "../../../shared/broker/broker.ts";
import { encodeLetter } from "../../../shared/model/letter.ts";
import { MESSAGE_VERSION, encodeMessage } from "../../../shared/model/message.ts";
import type { CallsMessage } from "../../../shared/model/message.ts";
import { makePolicy } from "../../support/policy.ts";

const T0 = Date.parse("2026-11-22T09:00:00Z");
const message: CallsMessage = {
  v: MESSAGE_VERSION,
  kind: "calls",
  run: "r1",
  generation: 1,
  lane: "crm",
  chunk: "0",
  policy: makePolicy(),
  calls: [],
};

function letter(id: string, status: number, atMs = 0): Delivery {
  const { body, attributes = {} } = encodeLetter(
    message,
    { id, url: `https://api.example.com/${id}` },
    {
      id,
      state: "failed",
      reason: "exhausted",
      status,
      attempts: 2,
      settledAt: T0 + atMs,
      error: `HTTP ${status}`,
    },
  );
  return { receipt: id, body, attributes, receiveCount: 1, sentAt: T0 };
}

const bare = (body: string, attributes: Record<string, string> = {}): Delivery => ({
  receipt: "x",
  body,
  attributes,
  receiveCount: 1,
  sentAt: T0,
});

describe("letters are grouped by cause", () => {
  test("with counts, ages, and the newest as an example", () => {
    const groups = new LetterGroups({});
    for (const each of [letter("a", 503), letter("b", 503, 5_000), letter("c", 404)]) {
      groups.add("failed", "crm", each);
    }
    expect(groups.list()).toEqual([
      {
        queue: "failed",
        lane: "crm",
        run: "r1",
        reason: "exhausted",
        status: 503,
        host: "api.example.com",
        count: 2,
        oldestAt: "2026-11-22T09:00:00.000Z",
        newestAt: "2026-11-22T09:00:05.000Z",
        example: { id: "b", method: "GET", url: "https://api.example.com/b", error: "HTTP 503" },
      },
      expect.objectContaining({ status: 404, count: 1 }),
    ]);
  });

  test("what SQS gave up on counts as abandoned, call by call", () => {
    const groups = new LetterGroups({});
    const calls = ["a", "b"].map((id) => ({ id, url: "http://localhost:8080/" }));
    groups.add("dead", "crm", bare(encodeMessage({ ...message, calls })));
    expect(groups.list()).toMatchObject([
      { queue: "dead", reason: "abandoned", status: null, host: "localhost:8080", count: 2 },
    ]);
  });

  test("what cannot be read is shown with why, and passes no filter", () => {
    const unreadable = bare("{", { reason: "not JSON: it ended" });
    const groups = new LetterGroups({});
    groups.add("dead", "crm", unreadable);
    expect(groups.list()).toMatchObject([
      { reason: "unreadable", run: null, count: 1, example: { error: "not JSON: it ended" } },
    ]);
    const filtered = new LetterGroups({ reason: "exhausted" });
    filtered.add("dead", "crm", unreadable);
    expect(filtered.list()).toEqual([]);
  });
});
