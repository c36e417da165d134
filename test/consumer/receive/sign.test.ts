import { expect, test } from "vitest";
import {
  mayBeTrouble,
  nameFailure,
  pausesAfter,
  readSign,
} from "../../../consumer/receive/sign.ts";
import { Attempt } from "../../../consumer/execute/attempt.ts";
import type { AttemptEnd } from "../../../consumer/execute/judge.ts";
import { makePolicy } from "../../support/policy.ts";

const policy = makePolicy();

function makeAttempt(end: AttemptEnd, changes: Partial<Attempt> = {}): Attempt {
  return Object.assign(new Attempt("http://a", 0, 1_000, () => {}), { end, ...changes });
}

const answer = (status: number, retryAfter?: string): Attempt =>
  makeAttempt({ kind: "answer", status }, { retryAfter });

test.each([
  [200, undefined, "good"],
  [404, undefined, "good"],
  [429, undefined, "closed"],
  [429, "3", "closed"],
  [503, "3", "closed"],
  [503, undefined, "busy"],
  [503, "0", "busy"],
  [500, undefined, "failed"],
  [502, "3", "failed"],
])("%i with Retry-After %s says %s", (status, retryAfter, sign) => {
  expect(readSign(answer(status, retryAfter), policy, 0)).toBe(sign);
});

test("an answer that the plan counts as success is good, whatever it is", () => {
  expect(readSign(answer(503), makePolicy({ success: [503] }), 0)).toBe("good");
});

test.each([
  ["timeout", "slow"],
  ["refused", "failed"],
  ["reset", "failed"],
  ["dns", "failed"],
] as const)("no answer (%s) says %s", (kind, sign) => {
  const attempt = makeAttempt({ kind, sent: false });
  expect(readSign(attempt, policy, 0)).toBe(sign);
  expect(mayBeTrouble(attempt)).toBe(true);
});

test("what could not, or may not, be put on the wire says nothing of its destination", () => {
  for (const end of [{ kind: "invalid" }, { kind: "blocked", sent: true }] as const) {
    expect(readSign(makeAttempt(end), policy, 0)).toBe("none");
  }
});

test("whatever says anything but good is looked at", () => {
  for (let status = 200; status < 600; status++) {
    const attempt = answer(status);
    const isGood = readSign(attempt, policy, 0) === "good";
    expect(mayBeTrouble(attempt), String(status)).toBe(!isGood);
  }
});

test("a failure is named in a word or two", () => {
  expect(nameFailure(answer(500))).toBe("HTTP 500");
  const error = "connect ECONNREFUSED 127.0.0.1:9";
  expect(nameFailure(makeAttempt({ kind: "refused", sent: false }, { error }))).toBe(
    "ECONNREFUSED",
  );
  expect(nameFailure(makeAttempt({ kind: "timeout", sent: true }))).toBe("no answer in time");
});

test("a pause nobody asked for is half a round trip, and the first backoff at the most", () => {
  const { retry } = policy;
  const slow = makePolicy({ retry: { ...retry, backoff: { ...retry.backoff, firstMs: 500 } } });
  expect(pausesAfter(answer(429), 300, slow).pauseMs).toBe(150);
  expect(pausesAfter(answer(429), 5_000, slow).pauseMs).toBe(500);
  expect(pausesAfter(answer(429), 1, slow).pauseMs).toBe(10);
});
