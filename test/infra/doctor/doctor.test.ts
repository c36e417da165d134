import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import * as deployed from "../../../infra/commands/doctor.ts";
import * as machine from "../../../producer/commands/doctor.ts";
import { toLaneOutputs } from "../../../shared/deployment/deployed-lanes.ts";
import { LEDGER_OUTPUTS, PIPELINE_OUTPUTS } from "../../../shared/deployment/outputs.ts";
import { readConfig } from "../../../shared/config/read-config.ts";
import { makeFolder, runCommand } from "../../support/command-line.ts";
import { setUpCdk, useFakeAccount } from "../../support/account-stage.ts";
import type { FakeAccount } from "../../support/fake-account.ts";
import { fargateTemplate, runFargate } from "../../support/fake-fargate.ts";
import { MemoryOutput } from "../../support/memory-output.ts";

const TOKYO = "ap-northeast-1";
const PIPELINE = `${TOKYO}/senpu-test-pipeline`;
const EDGE = "us-east-1/senpu-test-edge";
const LANES = `
lanes:
  crm: { match: "https://api.example.com/**", worker: { lambda: { maxConcurrency: 20 } } }
  reports:
    match: "https://reports.example.com/**"
    worker: { fargate: { cpu: 1, memory: 2GB, tasks: { min: 0, max: 9 }, spot: true } }
`;

let account: FakeAccount;
let config: string;
/** Messages by queue. */
let depths: Map<string, number>;
let mapping: object[];
let alarms: { AlarmName: string; AlarmDescription: string }[];

const at = useFakeAccount();
beforeEach(() => {
  ({ account } = at);
  config = join(makeFolder(), "senpu.config.yaml");
  writeFileSync(config, LANES);
  [depths, mapping, alarms] = [new Map(), [{ UUID: "u-1", State: "Enabled" }], []];
  setUpCdk(account);
  const named = (outputs: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(Object.values(outputs).map((output) => [output, output.toLowerCase()]));
  account.addStack(PIPELINE, "UPDATE_COMPLETE", fargateTemplate(["reports"]), {
    ...named(PIPELINE_OUTPUTS),
    ...Object.fromEntries(toLaneOutputs(readConfig(config))),
  });
  account.addStack(`${TOKYO}/senpu-test-ledger`, "CREATE_COMPLETE", {}, named(LEDGER_OUTPUTS));
  account.addStack(EDGE, "CREATE_COMPLETE");
  account.addStack(`${TOKYO}/senpu-test-site`, "CREATE_COMPLETE");
  account.json
    .set("GetServiceQuota", ({ ServiceCode }) => ({
      Quota: { Value: ServiceCode === "sqs" ? 120_000 : 1_000 },
    }))
    .set("DescribeAlarms", ({ AlarmNamePrefix }) => ({
      MetricAlarms: alarms.filter(({ AlarmName }) => AlarmName.startsWith(String(AlarmNamePrefix))),
    }))
    .set("GetQueueUrl", ({ QueueName }) => ({ QueueUrl: `${account.url}/0/${String(QueueName)}` }))
    .set("GetQueueAttributes", ({ QueueUrl }) => {
      const queue = String(QueueUrl).split("/").at(-1) ?? "";
      const none = {
        ApproximateNumberOfMessagesNotVisible: "0",
        ApproximateNumberOfMessagesDelayed: "0",
      };
      const visible = String(depths.get(queue) ?? 0);
      return { Attributes: { ...none, ApproximateNumberOfMessages: visible } };
    });
  runFargate(account);
  account.rest.set("GET /2015-03-31/event-source-mappings", () => ({
    EventSourceMappings: mapping,
  }));
});

async function look(...words: string[]) {
  const command = {
    configure: machine.configure,
    run: (
      context: Parameters<typeof deployed.run>[0],
      output: Parameters<typeof deployed.run>[1],
    ) => deployed.run(context, output, { config, pollMs: 5 }),
  };
  const all = ["--env", "test", "--quiet", ...words];
  const { exitCode, output } = await runCommand(command, all, new MemoryOutput());
  // It takes its lines one by one.
  await new Promise<void>((resolve) => output.end(resolve));
  return { exitCode, text: output.text };
}

/** What was found that is not well. */
async function faults(): Promise<{ exitCode: number; found: string[]; advice: (string | null)[] }> {
  const { exitCode, text } = await look("--json");
  const { checks } = JSON.parse(text) as {
    checks: { state: string; found: string; advice: string | null }[];
  };
  const wrong = checks.filter(({ state }) => state !== "ok");
  return {
    exitCode,
    found: wrong.map(({ found }) => found),
    advice: wrong.map(({ advice }) => advice),
  };
}

test("a deployment in order is told line by line, and ends with 0", async () => {
  const { exitCode, text } = await look();
  expect(exitCode).toBe(0);
  expect(text.split("\n").every((line) => line.length <= 80)).toBe(true);
  expect(text).toMatch(
    /^ok +credentials +of account 000000000000:\s+arn:aws:iam::000000000000:user\/dev$/m,
  );
  expect(text).toMatch(/^ok +quotas +functions running at once: the lanes may use 30 of 1,000$/m);
  expect(text).toMatch(/^ok +quotas +vCPUs of Fargate Spot: the lanes may use 4 of 1,000$/m);
  expect(text.replaceAll(/\s+/g, " ")).toContain(
    "ok quotas messages published a second: the lanes may use 260 of 1,000",
  );
  expect(text).toMatch(/^ok +drift +senpu-test-pipeline is as it was deployed$/m);
  expect(text).toMatch(/All is well\.\n$/);
});

test("it only asks: nothing is changed", async () => {
  await look();
  const actions = new Set(account.log.map((line) => line.split(" ")[1]));
  const asking = /^(Get|Describe|List|Detect|GET)/;
  expect([...actions].filter((action) => !asking.test(action ?? ""))).toEqual([]);
});

test("L14: what somebody changed by hand is told by resource and property, with the two ways out", async () => {
  account.stacks.get(PIPELINE)!.drifted.set("group", {
    type: "AWS::EC2::SecurityGroup",
    status: "MODIFIED",
    paths: ["/SecurityGroupIngress/0"],
  });
  const { exitCode, found, advice } = await faults();
  expect(exitCode).toBe(0);
  expect(found).toEqual([
    "senpu-test-pipeline: group (AWS::EC2::SecurityGroup) was changed by hand: SecurityGroupIngress/0",
  ]);
  expect(advice[0]).toMatch(/^take it back by hand, or declare it .* --env test --stack pipeline$/);
});

test("L14: what was deleted by hand is a problem", async () => {
  account.stacks
    .get(PIPELINE)!
    .drifted.set("q", { type: "AWS::SQS::Queue", status: "DELETED", paths: [] });
  expect(await faults()).toMatchObject({
    exitCode: 1,
    found: ["senpu-test-pipeline: q (AWS::SQS::Queue) was deleted by hand"],
  });
});

test("L14: addresses that developers registered, and maintenance switched at once, are no drift", async () => {
  const drifted = account.stacks.get(EDGE)!.drifted;
  drifted.set("registered", {
    type: "AWS::WAFv2::IPSet",
    status: "MODIFIED",
    physicalId: "senpu-test-registered-ipv4|id|CLOUDFRONT",
    paths: ["/Addresses/0"],
  });
  drifted.set("acl", {
    type: "AWS::WAFv2::WebACL",
    status: "MODIFIED",
    expected: { Rules: [{ Name: "developers" }, { Name: "maintenance" }] },
    paths: ["/Rules/1/Action/Block"],
  });
  expect((await faults()).found).toEqual([]);
  expect((await look()).text.replaceAll(/\s+/g, " ")).toContain(
    "senpu-test-edge is as it was deployed, but for addresses that developers registered and maintenance switched by --now",
  );
});

test("L14: another rule's action, and another set's addresses, are", async () => {
  const drifted = account.stacks.get(EDGE)!.drifted;
  drifted.set("declared", {
    type: "AWS::WAFv2::IPSet",
    status: "MODIFIED",
    physicalId: "senpu-test-developers-ipv4|id|CLOUDFRONT",
    paths: ["/Addresses/0"],
  });
  drifted.set("acl", {
    type: "AWS::WAFv2::WebACL",
    status: "MODIFIED",
    expected: { Rules: [{ Name: "developers" }, { Name: "maintenance" }] },
    paths: ["/Rules/0/Action/Block"],
  });
  expect((await faults()).found).toHaveLength(2);
});

test("a queue that nobody polls is a problem, with the line that mends it", async () => {
  mapping = [{ UUID: "u-1", State: "Disabled", StateTransitionReason: "USER_INITIATED" }];
  const { exitCode, found, advice } = await faults();
  expect(exitCode).toBe(1);
  expect(found[0]).toBe("lane crm: polling is Disabled (USER_INITIATED)");
  expect(advice[0]).toBe("aws lambda update-event-source-mapping --uuid u-1 --enabled");
});

test("letters, dead messages and alarms are told with who can say more", async () => {
  depths.set("senpu-test-lane-crm-failed", 3).set("senpu-test-lane-crm-dead", 1);
  alarms = [{ AlarmName: "senpu-test-pipeline-x", AlarmDescription: "calls have failed" }];
  expect(await faults()).toMatchObject({
    exitCode: 0,
    found: [
      "lane crm: 3 calls failed for good",
      "lane crm: SQS gave 1 message up",
      "senpu-test-pipeline-x rings",
    ],
  });
});

test("stacks that are not there, stuck or rolled back are told with what to do", async () => {
  account.stacks.delete(`${TOKYO}/senpu-test-site`);
  account.stacks.get(EDGE)!.status = "UPDATE_ROLLBACK_FAILED";
  account.stacks.get(PIPELINE)!.status = "UPDATE_ROLLBACK_COMPLETE";
  const { exitCode, found, advice } = await faults();
  expect(exitCode).toBe(1);
  expect(found).toEqual([
    "senpu-test-pipeline is UPDATE_ROLLBACK_COMPLETE: its last deployment failed",
    "senpu-test-edge is UPDATE_ROLLBACK_FAILED",
    "senpu-test-site is not there, in ap-northeast-1",
  ]);
  expect(advice[1]).toContain("npx cdk rollback edge --app dist/cdk.out/test");
});

test("a stack that is not declared any more is told with the line that removes it, other environments' are not", async () => {
  account.addStack(`${TOKYO}/senpu-test-reports`, "UPDATE_COMPLETE");
  account.addStack("us-east-1/senpu-test-pipeline", "CREATE_COMPLETE");
  account.addStack(`${TOKYO}/senpu-test-gone`, "DELETE_COMPLETE");
  account.addStack(`${TOKYO}/senpu-test-2-pipeline`, "CREATE_COMPLETE");
  account.addStack(`${TOKYO}/senpu-production-site`, "CREATE_COMPLETE");
  const { exitCode, found, advice } = await faults();
  expect(exitCode).toBe(0);
  expect(found).toEqual([
    "senpu-test-reports in ap-northeast-1 is UPDATE_COMPLETE, and not declared any more",
    "senpu-test-pipeline in us-east-1 is CREATE_COMPLETE, and not declared any more",
  ]);
  expect(advice[0]).toBe(
    "with what it holds, this removes it: aws cloudformation delete-stack --stack-name senpu-test-reports --region ap-northeast-1",
  );
});

test("lanes that are declared and not deployed are told", async () => {
  writeFileSync(config, `${LANES}  mail: { match: "https://mail.example.com/**" }\n`);
  expect((await faults()).found).toEqual(["lane mail is not deployed"]);
});

test("what these credentials may not look at is told by action, the rest is looked at, and it ends with 3", async () => {
  account.refused.add("DescribeAlarms").add("DetectStackDrift");
  const { exitCode, found } = await faults();
  expect(exitCode).toBe(3);
  expect(found).toEqual([
    "asking for alarms in ap-northeast-1: not allowed; these credentials need the IAM action cloudwatch:DescribeAlarms",
    expect.stringMatching(
      /^looking for drift of stack senpu-test-\w+: .* the IAM action cloudformation:DetectStackDrift on arn:a$/,
    ),
  ]);
});

test("without credentials nothing else is tried, and the way to get some is told", async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "");
  vi.stubEnv("AWS_CONFIG_FILE", "/nonexistent");
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent");
  const { exitCode, found } = await faults();
  vi.stubEnv("AWS_ACCESS_KEY_ID", "senpu");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "senpu");
  expect([exitCode, found.length, account.log]).toEqual([3, 1, []]);
  expect(found[0]).toMatch(
    /^asking AWS whose credentials these are: no AWS credentials .*AWS_PROFILE/,
  );
});

test("what is for this machine only is refused with an environment", async () => {
  await expect(look("--repair")).rejects.toThrow("--repair is for this machine");
});
