import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { nameEnvironment } from "../../../infra/environments/named.ts";
import { EXIT, SenpuError } from "../../../shared/errors.ts";
import { findDeployment } from "../../../shared/deployment/find-deployment.ts";
import { FAKE_ACCOUNT, startFakeCloudFormation } from "../../support/fake-cloudformation.ts";
import type { FakeCloudFormation } from "../../support/fake-cloudformation.ts";

let pipeline: FakeCloudFormation;
const environment = nameEnvironment("test");
const withoutLedger = { ...environment, hasLedger: false };

beforeAll(() => {
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "senpu");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "senpu");
});
beforeEach(async () => {
  pipeline = await startFakeCloudFormation("senpu-test-pipeline");
  vi.stubEnv("AWS_ENDPOINT_URL_CLOUDFORMATION", pipeline.url);
  for (const [name, value] of Object.entries({
    CoordinationTable: "the-table",
    PlansBucket: "the-plans",
    ClaimsBucket: "the-claims",
    ResultsBucket: "the-results",
    ProducerFunction: "the-producer",
    Lanes1: '{"lanes":[{"name":"default","match":[],"concu',
    Lanes2:
      'rrency":64,"timeoutMs":30000,"queue":{"retentionSeconds":345600},"worker":{"kind":"lambda"}}]}',
  })) {
    pipeline.outputs.set(name, value);
  }
});
afterEach(() => pipeline.close());
afterAll(() => vi.unstubAllEnvs());

async function errorOf(finding: Promise<unknown>): Promise<SenpuError> {
  const error: unknown = await finding.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SenpuError);
  return error as SenpuError;
}

test("a deployment is what its two stacks tell", async () => {
  pipeline.others.set(
    "senpu-test-ledger",
    new Map([
      ["LedgerFunction", "senpu-test-ledger"],
      ["QueryFunction", "senpu-test-query"],
    ]),
  );
  expect(await findDeployment(environment)).toEqual({
    name: "test",
    region: "ap-northeast-1",
    account: FAKE_ACCOUNT,
    prefix: "senpu-test",
    lanes: [
      {
        name: "default",
        match: [],
        concurrency: 64,
        timeoutMs: 30_000,
        queue: { retentionSeconds: 345_600 },
        worker: { kind: "lambda" },
      },
    ],
    coordinationTable: "the-table",
    plansBucket: "the-plans",
    claimsBucket: "the-claims",
    resultsBucket: "the-results",
    producerFunction: "the-producer",
    ledger: { function: "senpu-test-ledger", queryFunction: "senpu-test-query" },
    ledgerStack: "senpu-test-ledger",
  });
});

test("a ledger that is to be there, and is not deployed yet, is told apart from none", async () => {
  expect(await findDeployment(environment)).toMatchObject({
    ledger: undefined,
    ledgerStack: "senpu-test-ledger",
  });
  expect(await findDeployment(withoutLedger)).toMatchObject({
    ledger: undefined,
    ledgerStack: undefined,
  });
});

test("an environment that is not deployed is told with its stack, its region and how to deploy it", async () => {
  const { message, exitCode } = await errorOf(
    findDeployment({ ...withoutLedger, prefix: "senpu-other" }),
  );
  expect(exitCode).toBe(EXIT.unreachable);
  expect(message).toContain("there is no stack senpu-other-pipeline in ap-northeast-1");
  expect(message).toContain("senpu deploy --env test");
});

test("a stack that another version has deployed is told with the output that it lacks", async () => {
  pipeline.outputs.delete("ClaimsBucket");
  const { message, code } = await errorOf(findDeployment(withoutLedger));
  expect(code).toBe("aws");
  expect(message).toContain("has no output ClaimsBucket");
});

test("a stack whose first deployment failed is told with its state", async () => {
  pipeline.status = "ROLLBACK_COMPLETE";
  pipeline.outputs.clear();
  const { message } = await errorOf(findDeployment(withoutLedger));
  expect(message).toContain("stack senpu-test-pipeline in ap-northeast-1 is ROLLBACK_COMPLETE");
});

test("an action that is not allowed is named, with its resource", async () => {
  pipeline.refusal = [
    "AccessDenied",
    `User: arn:aws:iam::${FAKE_ACCOUNT}:user/x is not authorized to perform: cloudformation:DescribeStacks on resource: arn:aws:cloudformation:ap-northeast-1:${FAKE_ACCOUNT}:stack/senpu-test-pipeline/*`,
  ];
  const { message, exitCode } = await errorOf(findDeployment(withoutLedger));
  expect(exitCode).toBe(EXIT.unreachable);
  expect(message).toContain("need the IAM action cloudformation:DescribeStacks on arn:aws:");
});

test("without credentials it is said how to get some", async () => {
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) vi.stubEnv(name, undefined);
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
  vi.stubEnv("AWS_CONFIG_FILE", "/dev/null");
  const { message, exitCode } = await errorOf(findDeployment(withoutLedger));
  expect(exitCode).toBe(EXIT.unreachable);
  expect(message).toMatch(/no AWS credentials .*AWS_PROFILE/);
});

test("a wrong name is told with those that there are, and the one that was meant", () => {
  expect(() => nameEnvironment("prodution")).toThrow(
    "there is no environment prodution: infra/environments has test, production; did you mean production?",
  );
  expect(() => nameEnvironment("elsewhere")).toThrow(/has test, production$/);
});
