import { expect, test } from "vitest";
import { checkParity, withoutName } from "../../../infra/checks/parity.ts";
import type { Template } from "../../../infra/checks/template.ts";

function log(days: number, more: Template["Resources"] = {}): Template {
  return {
    Resources: {
      l: { Type: "AWS::Logs::LogGroup", Properties: { RetentionInDays: days } },
      ...more,
    },
  };
}

const RULE = { stack: "s", type: "AWS::Logs::LogGroup", property: "RetentionInDays", why: "cost" };

test("L8: a property in which two environments differ is found, unless a rule allows it", () => {
  expect(checkParity("s", log(7), log(30), [])).toEqual([
    "s: l (AWS::Logs::LogGroup) differs in RetentionInDays",
  ]);
  expect(checkParity("s", log(7), log(30), [RULE])).toEqual([]);
  expect(checkParity("other", log(7), log(30), [RULE])).toHaveLength(1);
});

test("L8: a bucket that only one of them has is found, as on the first day of production", () => {
  const bucket = { b: { Type: "AWS::S3::Bucket" } };
  expect(checkParity("s", log(7, bucket), log(7), [RULE])).toEqual([
    "s: b (AWS::S3::Bucket) is in one of them only",
  ]);
});

test("names that differ by the environment alone are no difference", () => {
  const named = (QueueName: string): Template => ({
    Resources: { q: { Type: "AWS::SQS::Queue", Properties: { QueueName } } },
  });
  const one = withoutName(named("senpu-test-ledger"), "senpu-test");
  const other = withoutName(named("senpu-production-ledger"), "senpu-production");
  expect(checkParity("s", one, other, [])).toEqual([]);
});
