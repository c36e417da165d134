import { expect, test } from "vitest";
import type { Call } from "../../../shared/model/call.ts";
import { MESSAGE_VERSION, decodeMessage, encodeMessage } from "../../../shared/model/message.ts";
import type { CallsMessage } from "../../../shared/model/message.ts";
import { DEFAULT_BREAKER } from "../../../shared/model/policy.ts";
import type { Policy } from "../../../shared/model/policy.ts";
import { makePolicy } from "../../support/policy.ts";

/** What these tests break. */
interface Loose {
  v: number;
  policy: { retry: { rules?: unknown; maxRetryAfterMs?: unknown }; breaker?: unknown };
  calls: { failures?: unknown }[];
}

const plain = makePolicy();

function makeMessage(policy: Policy, more: Partial<Call> = {}): CallsMessage {
  return {
    v: MESSAGE_VERSION,
    kind: "calls",
    run: "r",
    generation: 1,
    lane: "crm",
    chunk: "0",
    policy,
    calls: [{ id: "a", url: "https://a/", ...more }],
  };
}

/** As it is read again after some field has been changed on the way. */
function readChanged(change: (message: Loose) => void): CallsMessage {
  const message = JSON.parse(encodeMessage(makeMessage(plain))) as Loose;
  change(message);
  return decodeMessage(JSON.stringify(message)) as CallsMessage;
}

test("what a policy has by default does not travel, and is there again when it is read", () => {
  const body = encodeMessage(makeMessage(plain));
  for (const field of ["rules", "maxRetryAfterMs", "breaker"]) expect(body).not.toContain(field);
  expect(decodeMessage(body)).toEqual(makeMessage(plain));
});

test("rules, the longest Retry-After, the breaker and failures by budget travel", () => {
  const rules = [
    { on: [429], attempts: null },
    { on: ["refused" as const], attempts: 10, backoff: plain.retry.backoff },
  ];
  const retry = { ...plain.retry, rules, maxRetryAfterMs: 1_000 };
  const set = makePolicy({ retry, breaker: { ...DEFAULT_BREAKER, minimum: 3 } });
  const tried = { attempts: 4, startedAt: 5, failures: [1, 0, 3] };
  const off = makePolicy({ breaker: null });
  for (const message of [makeMessage(set, tried), makeMessage(off)]) {
    expect(decodeMessage(encodeMessage(message))).toEqual(message);
  }
});

test("a message of the version before, which knew none of these, is taken with the defaults", () => {
  const message = readChanged((old) => (old.v = MESSAGE_VERSION - 1));
  expect(message).toEqual({ ...makeMessage(plain), v: MESSAGE_VERSION - 1 });
  expect(() => readChanged((old) => (old.v = MESSAGE_VERSION - 2))).toThrow("schema version");
  expect(() => readChanged((newer) => (newer.v = MESSAGE_VERSION + 1))).toThrow("schema version");
});

test.each<[string, (message: Loose) => void, string]>([
  ["rules", ({ policy }) => (policy.retry.rules = {}), "policy.retry.rules should be a list"],
  ["a rule", ({ policy }) => (policy.retry.rules = [7]), "policy.retry.rules should be an object"],
  ["a rule's on", ({ policy }) => (policy.retry.rules = [{ on: 429, attempts: 1 }]), "rules.on"],
  ["a rule's attempts", ({ policy }) => (policy.retry.rules = [{ on: [] }]), "attempts should be"],
  [
    "a rule's backoff",
    ({ policy }) => (policy.retry.rules = [{ on: [], attempts: null, backoff: { firstMs: 1 } }]),
    "factor should be a number",
  ],
  ["maxRetryAfterMs", ({ policy }) => (policy.retry.maxRetryAfterMs = "1h"), "maxRetryAfterMs"],
  ["the breaker", ({ policy }) => (policy.breaker = true), "policy.breaker should be an object"],
  ["the breaker's share", ({ policy }) => (policy.breaker = {}), "share should be a number"],
  ["failures", ({ calls }) => (calls[0]!.failures = [1, "2"]), "call.failures should be a list"],
])("a message whose %s cannot be relied on is refused", (_name, change, said) => {
  expect(() => readChanged(change)).toThrow(said);
});
