import { describe, expect, test } from "vitest";
import { judge } from "../../../consumer/execute/judge.ts";
import type { AttemptEnd } from "../../../consumer/execute/judge.ts";
import type { Method } from "../../../shared/model/call.ts";
import { makePolicy } from "../../support/policy.ts";

const answer = (status: number): AttemptEnd => ({ kind: "answer", status });
const unmet: AttemptEnd = { kind: "answer", status: 200, unmet: true };
const lost: AttemptEnd = { kind: "network", sent: true };
const refused: AttemptEnd = { kind: "refused", sent: false };
const nameless: AttemptEnd = { kind: "dns", sent: false };
const late: AttemptEnd = { kind: "timeout", sent: true };
const policy = makePolicy();
const FIRST = { attempts: 1 };
const daring = makePolicy({ retry: { ...policy.retry, unsafe: true } });

describe("an attempt is judged by its answer, its method and the policy", () => {
  const cases: [string, AttemptEnd, Method, number, string][] = [
    ["a 200 succeeds", answer(200), "GET", 1, "succeeded"],
    ["a 404 is an answer, and final", answer(404), "GET", 1, "rejected"],
    ["a 503 is tried again", answer(503), "GET", 1, "retry"],
    ["the fifth 503 is the last of five attempts", answer(503), "GET", 5, "exhausted"],
    ["a lost connection is tried again", lost, "GET", 1, "retry"],
    ["a timeout is tried again", late, "PUT", 4, "retry"],
    ["the fifth timeout is the last", late, "DELETE", 5, "exhausted"],
    ["an unsafe call whose connection was lost is not repeated", lost, "POST", 1, "unknown"],
    ["nor one that timed out", late, "PATCH", 1, "unknown"],
    ["an unsafe call whose connection was refused is repeated", refused, "POST", 1, "retry"],
    ["so is one whose host has no address", nameless, "PATCH", 1, "retry"],
    ["so is one that the server refused with 429", answer(429), "POST", 1, "retry"],
    ["and one refused with 503", answer(503), "POST", 1, "retry"],
    ["an unsafe call that a gateway lost sight of is unknown", answer(502), "POST", 1, "unknown"],
    ["and with 504 too", answer(504), "PATCH", 1, "unknown"],
    ["an unsafe call answered 500 may have been processed", answer(500), "POST", 1, "rejected"],
    ["an unsafe call that succeeds succeeds", answer(201), "POST", 1, "succeeded"],
    ["a 200 that is not what was expected is rejected", unmet, "GET", 1, "rejected"],
    ["whatever its method", unmet, "POST", 1, "rejected"],
    ["what HTTP does not allow is invalid", { kind: "invalid" }, "GET", 1, "invalid"],
    [
      "an internal address is blocked, and not tried again",
      { kind: "blocked", sent: true },
      "GET",
      1,
      "blocked",
    ],
  ];
  test.each(cases)("%s", (_name, end, method, attempt, verdict) => {
    expect(judge(end, method, { attempts: attempt }, policy)).toBe(verdict);
  });

  test("retry.unsafe repeats unsafe calls like any other", () => {
    for (const end of [lost, late, answer(500), answer(502)]) {
      expect(judge(end, "POST", FIRST, daring)).toBe("retry");
    }
  });

  test("success goes before retry, so that a plan may accept a 404 or a 503", () => {
    const odd = makePolicy({ success: ["2xx", 404, 503] });
    expect(judge(answer(404), "GET", FIRST, odd)).toBe("succeeded");
    expect(judge(answer(503), "GET", FIRST, odd)).toBe("succeeded");
  });

  test("a kind of failure that the plan does not repeat ends the call", () => {
    const strict = makePolicy({ retry: { ...policy.retry, on: [503] } });
    expect(judge(lost, "GET", FIRST, strict)).toBe("exhausted");
    expect(judge(answer(500), "GET", FIRST, strict)).toBe("rejected");
  });
});

describe("an answer that is not what was expected", () => {
  const patient = makePolicy({ retry: { ...policy.retry, attempts: 3, on: ["expect"] } });

  test("is tried again where the plan says so, as often as it says", () => {
    expect(judge(unmet, "GET", FIRST, patient)).toBe("retry");
    expect(judge(unmet, "GET", { attempts: 3 }, patient)).toBe("exhausted");
  });

  test("is no matter of the network, and not of an unsafe call's second try", () => {
    const network = makePolicy({ retry: { ...policy.retry, on: ["network", 200] } });
    expect(judge(unmet, "GET", FIRST, network)).toBe("rejected");
    expect(judge(unmet, "POST", FIRST, patient)).toBe("rejected");
  });
});
