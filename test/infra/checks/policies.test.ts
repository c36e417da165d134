import { expect, test } from "vitest";
import { checkPolicies } from "../../../infra/checks/policies.ts";
import type { Template } from "../../../infra/checks/template.ts";

const TABLE = "arn:aws:dynamodb:eu-west-1:111122223333:table/t";

function policy(statement: object): Template {
  const Properties = { PolicyDocument: { Statement: [{ Effect: "Allow", ...statement }] } };
  return { Resources: { p: { Type: "AWS::IAM::Policy", Properties } } };
}

test("a policy that names actions and resources is right", () => {
  expect(checkPolicies(policy({ Action: ["dynamodb:GetItem"], Resource: TABLE }))).toEqual([]);
});

test("all actions of a service, and an action on everything, are found", () => {
  expect(checkPolicies(policy({ Action: "dynamodb:*", Resource: TABLE }))).toEqual([
    "p: allows dynamodb:*; name the actions",
  ]);
  expect(checkPolicies(policy({ Action: ["sqs:SendMessage"], Resource: ["*"] }))).toEqual([
    "p: allows sqs:SendMessage on everything; name the resources",
  ]);
});

test("an inline policy of a role is looked into as well", () => {
  const PolicyDocument = { Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }] };
  const role = { Type: "AWS::IAM::Role", Properties: { Policies: [{ PolicyDocument }] } };
  expect(checkPolicies({ Resources: { role } })).toHaveLength(2);
});

test("what AWS lets nobody name a resource for is no mistake, nor is a denial of everything", () => {
  expect(checkPolicies(policy({ Action: "ec2:DescribeNetworkInterfaces", Resource: "*" }))).toEqual(
    [],
  );
  expect(checkPolicies(policy({ Effect: "Deny", Action: "*", Resource: "*" }))).toEqual([]);
});
