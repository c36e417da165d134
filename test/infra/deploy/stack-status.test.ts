import { StackStatus } from "@aws-sdk/client-cloudformation";
import { expect, test } from "vitest";
import { standingOf, whatNow } from "../../../infra/deploy/stack-status.ts";

const PLACE = {
  id: "edge",
  stackName: "senpu-test-edge",
  region: "us-east-1",
  assembly: "dist/cdk.out/test",
  again: "npx senpu deploy --env test",
};

test.each([
  [undefined, "new"],
  ["REVIEW_IN_PROGRESS", "new"],
  ["UPDATE_COMPLETE", "ready"],
  ["UPDATE_ROLLBACK_COMPLETE", "ready"],
  ["ROLLBACK_COMPLETE", "failed at first"],
  ["UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "busy"],
  ["UPDATE_ROLLBACK_FAILED", "stuck"],
  ["DELETE_FAILED", "stuck"],
])("a stack that is %s is %s", (status, standing) => {
  expect(standingOf(status)).toBe(standing);
});

test("whatever state CloudFormation has, the command that goes on is told", () => {
  for (const status of [undefined, ...Object.values(StackStatus)]) {
    expect(whatNow(status, PLACE), status).toContain("npx senpu deploy --env test");
  }
});

test("a stack that hangs in its way back is told how it is rolled back, and one that cannot be deleted how it is", () => {
  expect(whatNow("UPDATE_ROLLBACK_FAILED", PLACE)).toContain(
    "npx cdk rollback edge --app dist/cdk.out/test",
  );
  expect(whatNow("DELETE_FAILED", PLACE)).toContain(
    "aws cloudformation delete-stack --stack-name senpu-test-edge --region us-east-1",
  );
});
