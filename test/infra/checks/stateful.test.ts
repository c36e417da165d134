import { expect, test } from "vitest";
import { checkStateful, statefulPart } from "../../../infra/checks/stateful.ts";
import type { Template } from "../../../infra/checks/template.ts";

function database(EngineVersion: string, more: object = {}): Template {
  const Properties = { Engine: "postgres", EngineVersion, StorageEncrypted: true, ...more };
  return { Resources: { db: { Type: "AWS::RDS::DBInstance", Properties } } };
}

function queue(QueueName: string): Template {
  return { Resources: { q: { Type: "AWS::SQS::Queue", Properties: { QueueName } } } };
}

test("what holds no state is not looked at", () => {
  const template = { Resources: { f: { Type: "AWS::Lambda::Function" }, ...queue("a").Resources } };
  expect(Object.keys(statefulPart(template).Resources)).toEqual(["q"]);
  expect(checkStateful("s", template, queue("a"), [])).toEqual([]);
});

test("a removal and a replacement are found", () => {
  expect(checkStateful("s", queue("a"), { Resources: {} }, [])).toEqual([
    expect.stringMatching(/^s: q \(AWS::SQS::Queue\) will be (deleted|left behind)/),
  ]);
  expect(checkStateful("s", queue("a"), queue("b"), [])).toEqual([
    "s: q (AWS::SQS::Queue) will be replaced; its data would be lost",
  ]);
});

test("an update in place, and something new, are not", () => {
  expect(checkStateful("s", database("17.5"), database("17.6"), [])).toEqual([]);
  expect(checkStateful("s", { Resources: {} }, queue("a"), [])).toEqual([]);
});

test("another major version of the database is found, though it is an update in place (L6)", () => {
  expect(checkStateful("s", database("17.6"), database("18.1"), [])).toEqual([
    "s: db goes from major version 17 to 18, which cannot be undone; the runbook says how to",
  ]);
});

test("a change that is allowed by name passes, and no other of the same stack", () => {
  const allowed = [{ stack: "s", resource: "q", why: "its name was wrong, and it is empty" }];
  expect(checkStateful("s", queue("a"), queue("b"), allowed)).toEqual([]);
  expect(checkStateful("other", queue("a"), queue("b"), allowed)).toHaveLength(1);
});
