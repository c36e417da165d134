import { expect, test, vi } from "vitest";
import { compareTemplates } from "../../../infra/deploy/changes.ts";
import { renderChanges } from "../../../infra/deploy/render-changes.ts";
import type { Template } from "../../../infra/checks/template.ts";
import { createPaint } from "../../../shared/terminal/color.ts";

const COLUMNS = 80;
/** The first comparison reads what AWS documents of each property, which takes a busy machine a while. */
const LOADING_MS = 120_000;

vi.setConfig({ testTimeout: LOADING_MS });

type Resources = Record<string, { Type: string; Properties?: Record<string, unknown> }>;

function compare(before: Resources | undefined, after: Resources, full = false): string[] {
  const stack = {
    id: "pipeline",
    stackName: "senpu-test-pipeline",
    region: "ap-northeast-1",
    template: { Resources: after } as Template,
    paths: new Map([
      ["crm", "backbone/lane-crm"],
      ["worker", "worker-crm/worker/function"],
      ["role", "worker-crm/worker/role"],
    ]),
    bootstrapVersion: 6,
    needsImage: false,
  };
  const changes = compareTemplates(stack, before && { Resources: before });
  return renderChanges(changes, { columns: COLUMNS, paint: createPaint(false), full });
}

function queue(QueueName: string, more: object = {}): Resources[string] {
  return { Type: "AWS::SQS::Queue", Properties: { QueueName, ...more } };
}

function worker(Timeout: number, code: string): Resources[string] {
  const Code = { S3Bucket: "assets", S3Key: `${code.repeat(64)}.zip` };
  return { Type: "AWS::Lambda::Function", Properties: { Timeout, Code } };
}

test("each change has a line, what is lost last; what holds state and would be lost says so", () => {
  expect(
    compare(
      { crm: queue("a"), worker: worker(30, "a"), old: queue("old") },
      { crm: queue("b"), worker: worker(60, "b"), fresh: queue("fresh") },
    ),
  ).toEqual([
    "pipeline: senpu-test-pipeline in ap-northeast-1",
    "  1 added, 1 changed, 1 replaced, 1 removed",
    "  + fresh  SQS::Queue",
    "  ~ worker-crm/worker/function  Lambda::Function",
    "      Timeout 30 → 60, Code",
    "  ! backbone/lane-crm  SQS::Queue, replaced, HOLDS STATE",
    "      QueueName a → b",
    "  - old  SQS::Queue, removed, HOLDS STATE",
  ]);
});

test("who may do more is told as a sentence, with the constructs' names", () => {
  const policy = (actions: string[]): Resources => ({
    crm: queue("a"),
    role: { Type: "AWS::IAM::Role" },
    policy: {
      Type: "AWS::IAM::Policy",
      Properties: {
        PolicyName: "p",
        Roles: [{ Ref: "role" }],
        PolicyDocument: {
          Statement: actions.map((Action) => ({
            Effect: "Allow",
            Action,
            Resource: { "Fn::GetAtt": ["crm", "Arn"] },
          })),
        },
      },
    },
  });
  const lines = compare(policy(["sqs:SendMessage"]), policy(["sqs:SendMessage", "sqs:PurgeQueue"]));
  expect(lines.slice(-2)).toEqual([
    "  who may do what: 1 change",
    "    + worker-crm/worker/role: sqs:PurgeQueue on backbone/lane-crm",
  ]);
});

test("a new stack is counted by type; --full lists each", () => {
  const after = { crm: queue("a"), other: queue("b"), worker: worker(30, "a") };
  expect(compare(undefined, after)).toEqual([
    "pipeline: senpu-test-pipeline in ap-northeast-1",
    "  new: 3 added",
    "  + 2 SQS::Queue, 1 Lambda::Function",
  ]);
  expect(compare(undefined, after, true)).toContain("  + backbone/lane-crm  SQS::Queue");
});

test("what is the same is said in a line", () => {
  expect(compare({ crm: queue("a") }, { crm: queue("a") })).toEqual([
    "pipeline: senpu-test-pipeline in ap-northeast-1, unchanged",
  ]);
});

test("no line is wider than the terminal, however long its names are", () => {
  const long = "x".repeat(120);
  const before = { [long]: queue("a", { Tags: [long] }) };
  const after = { [long]: queue("b", { Tags: [`${long}y`], KmsMasterKeyId: "k" }) };
  const lines = compare(before, after);
  expect(lines.filter((line) => line.length > COLUMNS)).toEqual([]);
  expect(lines.join(" ")).toContain("replaced, HOLDS STATE");
});
