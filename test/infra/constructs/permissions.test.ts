import { App, Stack } from "aws-cdk-lib";
import { Match, Template } from "aws-cdk-lib/assertions";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { expect, test } from "vitest";
import { mayReadSecrets, secretStore } from "../../../infra/constructs/permissions.ts";
import { secretsOfLane } from "../../../shared/config/secrets-schema.ts";
import type { SecretsConfig } from "../../../shared/config/secrets-schema.ts";

/** The statements of a worker's role whose lane names one secret, beside one that is declared for all. */
function statementsWith(store: SecretsConfig["store"]): unknown[] {
  const stack = new Stack(new App(), "stack", {
    env: { region: "ap-northeast-1", account: "111111111111" },
  });
  const role = new Role(stack, "role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
  const secrets = secretStore({ store, names: ["shared/key"] }, "senpu-test");
  const auth = { kind: "bearer", token: "${secret:crm/token#value}" } as const;
  mayReadSecrets(role, stack, secrets!, secretsOfLane({ auth }, secrets));
  const policies = Template.fromStack(stack).findResources("AWS::IAM::Policy", Match.anyValue());
  return Object.values(policies).flatMap(
    ({ Properties }) =>
      (Properties as { PolicyDocument: { Statement: unknown[] } }).PolicyDocument.Statement,
  );
}

const arn = (rest: string): unknown => ({
  "Fn::Join": ["", ["arn:", { Ref: "AWS::Partition" }, rest]],
});

test("a worker may read the parameters that its lane and the configuration name, and no others", () => {
  const place = ":ssm:ap-northeast-1:111111111111:parameter/senpu-test/";
  expect(statementsWith("ssm")).toEqual([
    {
      Effect: "Allow",
      Action: "ssm:GetParameter",
      Resource: [arn(`${place}crm/token`), arn(`${place}shared/key`)],
    },
  ]);
});

test("and the same of Secrets Manager, whatever it adds to their names", () => {
  const place = ":secretsmanager:ap-northeast-1:111111111111:secret:senpu-test/";
  expect(statementsWith("secretsmanager")).toEqual([
    {
      Effect: "Allow",
      Action: "secretsmanager:GetSecretValue",
      Resource: [arn(`${place}crm/token-??????`), arn(`${place}shared/key-??????`)],
    },
  ]);
});
