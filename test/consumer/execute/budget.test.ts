import fc from "fast-check";
import { expect, test } from "vitest";
import { budgetOf, countFailure, failuresBefore } from "../../../consumer/execute/budget.ts";
import { judge } from "../../../consumer/execute/judge.ts";
import type { AttemptEnd, NoAnswer } from "../../../consumer/execute/judge.ts";
import type { RetryRule } from "../../../shared/model/policy.ts";
import { makePolicy } from "../../support/policy.ts";

const answer = (status: number): AttemptEnd => ({ kind: "answer", status });
const none = (kind: NoAnswer): AttemptEnd => ({ kind, sent: false });
const withRules = (rules: readonly RetryRule[]) =>
  makePolicy({ retry: { ...makePolicy().retry, rules } });

/** How many of these ends, one after the other, a call survives, and how it ends. */
function play(ends: Iterable<AttemptEnd>, policy = makePolicy()): [number, string] {
  let attempts = 0;
  let failures: readonly number[] | undefined;
  for (const end of ends) {
    attempts++;
    const verdict = judge(end, "GET", { attempts, failures }, policy);
    if (verdict !== "retry") return [attempts, verdict];
    failures = countFailure({ attempts, failures }, budgetOf(end, policy.retry));
  }
  return [attempts, "under way"];
}

const several = withRules([
  { on: [429], attempts: null },
  { on: [500, 502], attempts: 2 },
  { on: ["refused"], attempts: 10 },
]);

test("a rule's failures count apart from all others", () => {
  expect(play(Array(5000).fill(answer(429)), several)).toEqual([5000, "under way"]);
  expect(play([answer(500), answer(502)], several)).toEqual([2, "exhausted"]);
  expect(play(Array(20).fill(none("refused")), several)).toEqual([10, "exhausted"]);
  expect(play(Array(20).fill(answer(503)), several)).toEqual([5, "exhausted"]);
  const mixed = [
    ...Array<AttemptEnd>(4).fill(answer(503)),
    ...Array<AttemptEnd>(100).fill(answer(429)),
    ...Array<AttemptEnd>(9).fill(none("refused")),
    answer(500),
  ];
  expect(play(mixed, several)).toEqual([114, "under way"]);
  for (const last of [answer(503), none("refused"), answer(502)]) {
    expect(play([...mixed, last], several)).toEqual([115, "exhausted"]);
  }
});

test("in any order, a call is exhausted by the first budget that is used up", () => {
  const kinds: [AttemptEnd, number][] = [
    [answer(429), Infinity],
    [answer(500), 2],
    [none("refused"), 10],
    [none("timeout"), 5],
  ];
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 60 }), (picks) => {
      const left = kinds.map(([, failures]) => failures);
      const fatal = picks.findIndex((pick) => --left[pick]! === 0);
      expect(
        play(
          picks.map((pick) => kinds[pick]![0]),
          several,
        ),
      ).toEqual(fatal === -1 ? [picks.length, "under way"] : [fatal + 1, "exhausted"]);
    }),
  );
});

test("the first rule that names a failure holds, and network names whatever is not a timeout", () => {
  const { retry } = withRules([
    { on: ["dns"], attempts: 3 },
    { on: ["network", 418], attempts: 4 },
  ]);
  const ends = [none("dns"), none("refused"), none("reset"), none("network"), answer(418)];
  expect(ends.map((end) => budgetOf(end, retry))).toEqual([1, 2, 2, 2, 2]);
  expect(budgetOf(none("timeout"), retry)).toBe(0);
  expect(budgetOf(answer(503), retry)).toBe(0);
  expect(budgetOf(answer(404), retry)).toBe(-1);
  expect(budgetOf({ kind: "invalid" }, retry)).toBe(-1);
});

test("what a rule names need not stand in retry.on, and a rule of one attempt repeats nothing", () => {
  const policy = withRules([
    { on: [404], attempts: 3 },
    { on: [503], attempts: 1 },
  ]);
  expect(play(Array(9).fill(answer(404)), policy)).toEqual([3, "exhausted"]);
  expect(play([answer(503)], policy)).toEqual([1, "exhausted"]);
});

test("a rule repeats no unsafe call whose result nobody saw", () => {
  const policy = withRules([{ on: [500, "reset", "refused"], attempts: null }]);
  const verdict = (end: AttemptEnd) => judge(end, "POST", { attempts: 1 }, policy);
  expect(verdict({ kind: "reset", sent: true })).toBe("unknown");
  expect(verdict(answer(500))).toBe("rejected");
  expect(verdict(none("refused"))).toBe("retry");
});

test("nothing is counted apart until a rule applies; what came before is the policy's own", () => {
  expect(countFailure({ attempts: 3 }, 0)).toBeUndefined();
  expect(countFailure({ attempts: 3 }, 2)).toEqual([2, 0, 1]);
  expect(countFailure({ attempts: 4, failures: [2, 0, 1] }, 0)).toEqual([3, 0, 1]);
  expect(countFailure({ attempts: 5, failures: [3, 1] }, 3)).toEqual([3, 1, 0, 1]);
  expect(failuresBefore({ attempts: 5, failures: [3, 1] }, 2)).toBe(0);
});
