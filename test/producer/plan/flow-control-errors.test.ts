import { expect, test } from "vitest";
import { readFiles } from "./plan-files.ts";

/** What a plan says of limits, retries, the breaker and its end, and what is said of it. */

const CALLS = "\ncalls: [https://a]";
const RATE_RIGHT = "a rate of at most 100000/s, such as 20/s, 300/m or 1000/h";
const CAUSE_RIGHT = "a status from 100 to 599, network, refused, reset, dns, timeout or expect";
const CONCURRENCY_RIGHT = "a whole number from 1 to 100000, auto, or an object with min and max";
const DURATION_RIGHT = "such as 500ms, 10s, 5m or 2h";
const COMMAND_RIGHT = 'a list of a program and its arguments, such as ["notify", "--run"]';

const lane = (limits: string): string => `lanes:\n  a: { match: "**", ${limits} }`;

const CASES: readonly (readonly [name: string, text: string, said: string])[] = [
  [
    "a rate that nobody can hold",
    lane("rate: 10000000/s"),
    `2:21 lanes.a.rate: "10000000/s" is not allowed; ${RATE_RIGHT}`,
  ],
  [
    "a rate of zero an hour",
    lane("rate: 0/h"),
    `2:21 lanes.a.rate: "0/h" is not allowed; ${RATE_RIGHT}`,
  ],
  [
    "a burst without a rate",
    lane("burst: 5"),
    "2:21 lanes.a.burst: needs rate, which says how fast it fills up again",
  ],
  [
    "a burst of nothing",
    lane("rate: 5/s, burst: 0"),
    "2:32 lanes.a.burst: 0 is not allowed; a whole number from 1 to 10000",
  ],
  [
    "a burst beyond all",
    lane("rate: 5/s, burst: 10001"),
    "2:32 lanes.a.burst: 10001 is not allowed; a whole number from 1 to 10000",
  ],
  [
    "a burst of more than a minute",
    lane("rate: 5/s, burst: 301"),
    "2:32 lanes.a.burst: 301 is more than the rate allows in a minute; a whole number from 1 to 300",
  ],
  [
    "a burst of more than an hour",
    lane("rate: 60/h, burst: 61"),
    "2:33 lanes.a.burst: 61 is more than the rate allows in an hour; a whole number from 1 to 60",
  ],
  [
    "a concurrency in words",
    lane("concurrency: many"),
    `2:21 lanes.a.concurrency: "many" is not allowed; ${CONCURRENCY_RIGHT}`,
  ],
  [
    "no concurrency at all",
    lane("concurrency: 0"),
    "2:21 lanes.a.concurrency: 0 is not allowed; a whole number from 1 to 100000",
  ],
  [
    "more at least than at most",
    lane("concurrency: { min: 40, max: 2 }"),
    "2:36 lanes.a.concurrency.min: 40 is more than max, 2; a smaller one",
  ],
  [
    "bounds of which one is missing",
    lane("concurrency: { min: 4 }"),
    "2:21 lanes.a.concurrency.max: is missing; a whole number from 1 to 100000",
  ],
  [
    "bounds of another name",
    lane("concurrency: { min: 4, max: 5, maxi: 9 }"),
    "2:52 lanes.a.concurrency.maxi: is not known; did you mean max?",
  ],
  [
    "bounds of nothing",
    lane("concurrency: { min: 0, max: 3 }"),
    "2:36 lanes.a.concurrency.min: 0 is not allowed; a whole number from 1 to 100000",
  ],
  [
    "a total that limits nothing",
    "total: {}",
    "1:1 total: limits nothing; give concurrency, rate or both",
  ],
  [
    "a total that adapts",
    "total: { concurrency: auto }",
    '1:10 total.concurrency: "auto" is not allowed; a whole number from 1 to 100000',
  ],
  [
    "a total burst without a rate",
    "total: { burst: 5 }",
    "1:10 total.burst: needs rate, which says how fast it fills up again",
  ],
  [
    "a total rate that nobody can hold",
    "total: { rate: 100001/s }",
    `1:10 total.rate: "100001/s" is not allowed; ${RATE_RIGHT}`,
  ],
  [
    "a lane named as the total is",
    'lanes: { "*": { match: "**" } }',
    `1:10 lanes["*"]: "*" is not allowed; a lane's name is of a–z, 0–9 and -, at most 40 characters`,
  ],
  [
    "rules that are no list",
    "retry: { rules: { on: 429, attempts: 2 } }",
    '1:10 retry.rules: {"on":429,"attempts":2} is not allowed; a list of rules with on and attempts',
  ],
  [
    "a rule on what is no failure",
    "retry: { rules: [{ on: 5xx, attempts: 2 }] }",
    `1:20 retry.rules[0].on: "5xx" is not allowed; ${CAUSE_RIGHT}, or a list of them`,
  ],
  [
    "a rule on a list with what is no failure",
    "retry: { rules: [{ on: [429, slow], attempts: 2 }] }",
    `1:30 retry.rules[0].on[1]: "slow" is not allowed; ${CAUSE_RIGHT}`,
  ],
  [
    "a rule on nothing",
    "retry: { rules: [{ on: [], attempts: 2 }] }",
    `1:20 retry.rules[0].on: [] is not allowed; ${CAUSE_RIGHT}, or a list of them`,
  ],
  [
    "a rule without attempts",
    "retry: { rules: [{ on: 429 }] }",
    "1:18 retry.rules[0].attempts: is missing; a whole number from 1 to 100, or unlimited",
  ],
  [
    "a rule without on",
    "retry: { rules: [{ attempts: 3 }] }",
    `1:18 retry.rules[0].on: is missing; ${CAUSE_RIGHT}, or a list of them`,
  ],
  [
    "attempts of a rule in other words",
    "retry: { rules: [{ on: 429, attempts: forever }] }",
    '1:29 retry.rules[0].attempts: "forever" is not allowed; a whole number from 1 to 100, or unlimited',
  ],
  [
    "no attempts of a rule",
    "retry: { rules: [{ on: 429, attempts: 0 }] }",
    "1:29 retry.rules[0].attempts: 0 is not allowed; a whole number from 1 to 100",
  ],
  [
    "a backoff of a rule",
    "retry: { rules: [{ on: 429, attempts: 2, backoff: { first: 2d } }] }",
    `1:53 retry.rules[0].backoff.first: "2d" is not allowed; a duration from 1ms to 1h, ${DURATION_RIGHT}`,
  ],
  [
    "a rule that an earlier one leaves nothing",
    "retry: { rules: [{ on: 429, attempts: 2 }, { on: [500, 429], attempts: 3 }] }",
    "1:46 retry.rules[1].on: rules[0] holds for 429 already; put this rule before it, or leave 429 out",
  ],
  [
    "a rule for a part of what network names",
    "retry: { rules: [{ on: network, attempts: 2 }, { on: dns, attempts: 3 }] }",
    "1:50 retry.rules[1].on: rules[0] holds for dns already; put this rule before it, or leave dns out",
  ],
  [
    "a cause twice",
    "retry: { rules: [{ on: [500, 500], attempts: 2 }] }",
    "1:20 retry.rules[0].on: names 500 twice",
  ],
  [
    "a longest Retry-After of nothing",
    "retry: { maxRetryAfter: 0s }",
    `1:10 retry.maxRetryAfter: "0s" is not allowed; a duration from 1s to 14d, ${DURATION_RIGHT}`,
  ],
  [
    "a breaker that is true",
    "breaker: true",
    "1:1 breaker: true is not allowed; false, or an object with share, minimum, window, pause, max, giveUp",
  ],
  [
    "a share that is no share",
    "breaker: { share: 0.9 }",
    "1:12 breaker.share: 0.9 is not allowed; a share from 1% to 100%, such as 5%",
  ],
  [
    "a share of nothing",
    "breaker: { share: 0% }",
    '1:12 breaker.share: "0%" is not allowed; a share from 1% to 100%, such as 5%',
  ],
  [
    "a pause longer than the longest",
    "breaker: { pause: 2m }",
    "1:12 breaker.pause: 2m is longer than max, 1m; shorten it, or raise max",
  ],
  [
    "an unknown field of the breaker",
    "breaker: { giveup: 2m }",
    "1:12 breaker.giveup: is not known; did you mean giveUp?",
  ],
  [
    "an end with nothing to do",
    "onSettled: {}",
    "1:1 onSettled: does nothing; give webhook, command or both",
  ],
  [
    "a webhook without scheme",
    "onSettled: { webhook: hooks.example }",
    '1:14 onSettled.webhook: "hooks.example" has no scheme; did you mean https://hooks.example?',
  ],
  [
    "a webhook with what is no reference",
    'onSettled: { webhook: "https://hooks.example/${HOOK}" }',
    '1:14 onSettled.webhook: "${HOOK}" is no reference; write ${env:NAME}, ${file:/path} or ${secret:name}, or $${ for a plain ${',
  ],
  [
    "headers without a webhook",
    "onSettled: { command: [x], headers: { a: b } }",
    "1:28 onSettled.headers: need webhook, which they are sent with",
  ],
  [
    "a command in one text",
    "onSettled: { command: notify --run }",
    `1:14 onSettled.command: "notify --run" is not allowed; ${COMMAND_RIGHT}`,
  ],
  [
    "a command without a program",
    "onSettled: { command: [] }",
    `1:14 onSettled.command: names no program; ${COMMAND_RIGHT}`,
  ],
  [
    "a command with a number",
    "onSettled: { command: [sleep, 3] }",
    `1:31 onSettled.command[1]: 3 is not allowed; ${COMMAND_RIGHT}`,
  ],
];

test.each(CASES)("%s is told", async (_name, text, said) => {
  const reading = readFiles({ "p.yaml": `${text}${CALLS}` });
  await expect(reading).rejects.toMatchObject({ code: "plan", message: `p.yaml:${said}` });
});

test("a rule's mistakes are told at their place in JSON too", async () => {
  const text = '{"calls": ["https://a"],\n "retry": {"rules": [\n  {"on": 429, "attempts": -1}]}}';
  await expect(readFiles({ "p.json": text })).rejects.toThrow(
    "p.json:3:15 retry.rules[0].attempts: -1 is not allowed; a whole number from 1 to 100",
  );
});
