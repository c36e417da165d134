import { expect, test } from "vitest";
import { surveyPlan } from "../../../producer/plan/survey.ts";
import { findBlocked } from "../../../producer/preflight/blocked.ts";
import { readFiles } from "../plan/plan-files.ts";

/** Of a call to each of these: the origins that would be blocked, with why. */
async function find(urls: readonly string[], allow: readonly string[] = []): Promise<string[]> {
  const text = JSON.stringify({ calls: urls, ...(allow.length > 0 && { allow }) });
  const plan = await readFiles({ "p.json": text });
  const survey = await surveyPlan(plan, () => {});
  return findBlocked(survey, plan.policy.allow).map(
    ({ origin, calls, reason }) => `${calls} to ${origin}: ${reason}`,
  );
}

test("addresses that a run would not call are told before it, with what allows them", async () => {
  const urls = [
    "http://169.254.169.254/latest/meta-data",
    "http://169.254.169.254/again",
    "http://[::1]:8080/",
    "http://10.1.2.3/",
    "http://127.1/",
    "http://api.localhost/",
    "https://api.example.com/",
    "https://93.184.215.14/",
  ];
  const told = await find(urls);
  expect(told).toEqual([
    expect.stringMatching(/^2 to http:\/\/169\.254\.169\.254: .*metadata.*--allow/),
    expect.stringMatching(/^1 to http:\/\/\[::1\]:8080: ::1 is a loopback .*--allow ::1$/),
    expect.stringMatching(/^1 to http:\/\/10\.1\.2\.3: 10\.1\.2\.3 is .*private/),
    expect.stringMatching(/^1 to http:\/\/127\.0\.0\.1: 127\.0\.0\.1 is a loopback/),
    expect.stringMatching(/^1 to http:\/\/api\.localhost: 127\.0\.0\.1 is a loopback/),
  ]);
});

test("what is allowed is not told, by name, address or range", async () => {
  const urls = ["http://10.1.2.3/", "http://localhost:3000/", "http://[::1]/"];
  expect(await find(urls, ["10.0.0.0/8", "localhost", "::1"])).toEqual([]);
  expect(await find(["http://LOCALHOST/"], ["127.0.0.1"])).toEqual([]);
});
