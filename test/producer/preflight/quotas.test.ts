import { expect, test } from "vitest";
import { surveyPlan } from "../../../producer/plan/survey.ts";
import { deployLanes } from "../../../producer/preflight/deployed.ts";
import { forecast } from "../../../producer/preflight/forecast.ts";
import { findQuotas } from "../../../producer/preflight/quotas.ts";
import { configOf } from "../../shared/config/config-files.ts";
import { readFiles } from "../plan/plan-files.ts";

const CALL = "https://api.example.com/1";

/** What would bite a plan of these settings, where the lane `crm` is deployed with those. */
async function find(plan: object, crm: object): Promise<string[]> {
  const lanes = { crm: { match: "https://api.example.com/**", ...crm } };
  const given = { kind: "local", config: configOf(JSON.stringify({ lanes })) } as const;
  const text = JSON.stringify({ calls: [CALL], ...plan });
  const survey = await surveyPlan(await readFiles({ "p.json": text }, { given }), () => {});
  const told = forecast({ survey, known: new Map(), givenMs: undefined });
  return findQuotas(survey, deployLanes(survey, told, given), told).map(
    (finding) => `${finding.lane}: ${finding.text}`,
  );
}

test("a plan that the deployment is made for bites nowhere", async () => {
  expect(await find({}, {})).toEqual([]);
});

test.each<[what: string, plan: object, crm: object, said: RegExp]>([
  [
    "a call longer than its function",
    { defaults: { timeout: "90s" } },
    {},
    /^crm: a call may take 90s, and its function has 1m \(visibility 6m\).*Set the lane's timeout to 90s/,
  ],
  [
    "a call longer than a task's grace",
    { defaults: { timeout: "5m" } },
    { worker: "fargate" },
    /^crm: a call may take 5m, and its tasks have 40s to end/,
  ],
  [
    "a deadline longer than the queue remembers",
    { defaults: { deadline: "10d" } },
    {},
    /^crm: its queue forgets a message after 4d, before the plan's deadline of 10d/,
  ],
  [
    "more in flight than functions can do",
    {},
    { concurrency: 500, worker: { lambda: { maxConcurrency: 2 } } },
    /^crm: 500 calls in flight are more than 2 functions are made for/,
  ],
  [
    "one call at a time",
    {},
    { concurrency: 1 },
    /^crm: one call at a time is held by coordination/,
  ],
  [
    "more in flight than SQS has",
    {},
    { worker: { lambda: { maxConcurrency: 200, batch: 1_000, window: "1s" } } },
    /^crm: 200 functions of 1000 messages are 200000 in flight; SQS has at most 120000/,
  ],
  [
    "more functions than an account has",
    { calls: [CALL, "https://other.example/1"] },
    { worker: { lambda: { maxConcurrency: 1_000 } } },
    /^null: 1002 functions at once/,
  ],
  [
    "a call larger than a message",
    { calls: [{ url: CALL, method: "PUT", body: "x".repeat(300_000) }] },
    {},
    /^crm: 1 call is larger than SNS lets a message be/,
  ],
  [
    "a lane that is not deployed",
    { lanes: { own: { match: "https://api.example.com/**" } } },
    {},
    /^own: senpu\.config\.yaml does not declare it/,
  ],
  [
    "more than a producer function can publish in its time",
    {
      lanes: { crm: { rate: "1/h" } },
      calls: Array.from({ length: 30 }, (_, n) => ({
        url: CALL,
        id: `c${n}`,
        method: "PUT",
        body: "x".repeat(200_000),
      })),
    },
    {},
    /^null: as a scheduled run, the producer function would need about/,
  ],
])("%s is found, with what would be right", async (_, plan, crm, said) => {
  const found = await find(plan, crm);
  expect(
    found.filter((text) => said.test(text)),
    found.join("\n"),
  ).toHaveLength(1);
});
