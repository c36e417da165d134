import { beforeEach, expect, test, vi } from "vitest";
import * as deploy from "../../../infra/commands/deploy.ts";
import type { DeployParts } from "../../../infra/commands/deploy.ts";
import type { CanaryResult } from "../../../infra/deploy/canary/call-lanes.ts";
import { canaryLanes } from "../../../infra/deploy/canary/canary.ts";
import { CONFIG_FILE } from "../../../infra/config-file.ts";
import { ENVIRONMENTS } from "../../../infra/environments/index.ts";
import { readConfig } from "../../../shared/config/read-config.ts";
import { toLaneOutputs } from "../../../shared/deployment/deployed-lanes.ts";
import { acceptedTemplate, writeAssembly } from "../../support/assembly.ts";
import { makeFolder, runCommand } from "../../support/command-line.ts";
import { setUpCdk, useFakeAccount } from "../../support/account-stage.ts";
import type { FakeAccount } from "../../support/fake-account.ts";

const EDGE = "us-east-1/senpu-test-edge";
const SITE = "ap-northeast-1/senpu-test-site";
/** The CDK command line is a process that takes seconds to load, and minutes where the machine is busy. */
const CDK_MS = 300_000;
vi.setConfig({ testTimeout: 120_000 });

const OPTION = { Type: "AWS::SSM::Parameter", Properties: { Type: "String", Value: "new" } };

let account: FakeAccount;
let questions: string[];
let folder: string;

const at = useFakeAccount();
beforeEach(() => {
  ({ account } = at);
  questions = [];
  folder = makeFolder();
  setUpCdk(account);
  account.addStack(EDGE, "UPDATE_COMPLETE", acceptedTemplate("edge"));
  account.addStack(SITE, "UPDATE_COMPLETE", acceptedTemplate("site"));
  const names = [
    "CoordinationTable",
    "PlansBucket",
    "ClaimsBucket",
    "ResultsBucket",
    "ProducerFunction",
  ];
  account.addStack(
    "ap-northeast-1/senpu-test-pipeline",
    "UPDATE_COMPLETE",
    {},
    {
      ...Object.fromEntries(names.map((name) => [name, name])),
      ...Object.fromEntries(toLaneOutputs({ lanes: [] } as never)),
    },
  );
  synthesise({ edge: { option: OPTION } });
});

/** The accepted templates, with these resources besides or, where undefined, without them. */
function synthesise(more: Record<string, Record<string, unknown>>): void {
  const templateOf = (id: string): object => ({
    Resources: JSON.parse(
      JSON.stringify({ ...acceptedTemplate(id).Resources, ...more[id] }),
    ) as object,
  });
  writeAssembly(folder, [
    {
      id: "site",
      stackName: "senpu-test-site",
      region: "ap-northeast-1",
      template: templateOf("site"),
      dependsOn: ["edge"],
    },
    {
      id: "edge",
      stackName: "senpu-test-edge",
      region: "us-east-1",
      template: templateOf("edge"),
      paths: { option: "settings/option" },
    },
  ]);
}

const SUCCEEDED: CanaryResult = {
  lane: "crm",
  url: "u",
  state: "succeeded",
  status: 200,
  error: null,
};

async function run(words: readonly string[], parts: Partial<DeployParts> = {}) {
  const command = {
    configure: deploy.configure,
    run: (context: Parameters<typeof deploy.run>[0], output: Parameters<typeof deploy.run>[1]) =>
      deploy.run(context, output, {
        synthesise: async () => {},
        assembly: folder,
        canary: async () => [SUCCEEDED],
        canAsk: () => true,
        ask: async (question) => {
          questions.push(question);
          return true;
        },
        pollMs: 20,
        ...parts,
      }),
  };
  const { exitCode, output } = await runCommand(command, [...words, "--env", "test", "--quiet"]);
  return { exitCode, text: output.text };
}

function changesMade(): string[] {
  return account.log.filter((line) => /ExecuteChangeSet|DeleteStack|S3 PUT/.test(line));
}

test(
  "a stack is deployed by the real CDK command line, after the question, and then every lane is called",
  { timeout: CDK_MS },
  async () => {
    const { exitCode, text } = await run([]);
    expect(questions).toEqual(["Deploy senpu-test-edge to account 000000000000?"]);
    expect(changesMade()).toEqual(["us-east-1 S3 PUT ?x-id", "us-east-1 ExecuteChangeSet"]);
    expect(JSON.parse(account.stacks.get(EDGE)!.template)).toHaveProperty("Resources.option");
    expect(exitCode).toBe(0);
    expect(text).toMatch(
      /senpu-test-edge is deployed\.\nEvery lane of test has made its canary call\.\n$/,
    );
  },
);

test(
  "a stack that fails is told in two lines: resource and reason; what state that is, and the line that goes on",
  { timeout: CDK_MS },
  async () => {
    account.failures.set(EDGE, {
      resource: "option",
      type: "AWS::SSM::Parameter",
      reason: "Value is too long",
      status: "UPDATE_ROLLBACK_COMPLETE",
    });
    await expect(run(["--yes"])).rejects.toMatchObject({
      exitCode: 3,
      message:
        "stack senpu-test-edge failed at settings/option (AWS::SSM::Parameter): Value is too long\n" +
        "It is UPDATE_ROLLBACK_COMPLETE: it is as it was before. When the cause is mended: npx senpu deploy --env test",
    });
  },
);

test(
  "an interruption leaves AWS at work, says so with the line that goes on, and ends with 130",
  { timeout: CDK_MS },
  async () => {
    const stuck = { resource: "option", type: "AWS::SSM::Parameter", reason: "cancelled" };
    account.failures.set(EDGE, { ...stuck, status: "UPDATE_IN_PROGRESS" });
    const said: string[] = [];
    const stderr = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      said.push(String(text));
      return true;
    });
    account.onExecute = () => void process.emit("SIGTERM");
    const { exitCode } = await run(["--yes"]).finally(() => stderr.mockRestore());
    expect(exitCode).toBe(130);
    expect(said.join("")).toBe(
      "senpu: stack senpu-test-edge was interrupted\n" +
        "It is UPDATE_IN_PROGRESS: AWS goes on with it; this waits for it and goes on: npx senpu deploy --env test\n",
    );
  },
);

test("--diff shows what would change, and changes nothing", async () => {
  account.stacks.delete("ap-northeast-1/senpu-test-pipeline");
  const { exitCode, text } = await run(["--diff"]);
  expect(exitCode).toBe(0);
  expect(text).toBe(
    "test in account 000000000000\n\n" +
      "edge: senpu-test-edge in us-east-1\n  1 added\n  + settings/option  SSM::Parameter\n\n" +
      "site: senpu-test-site in ap-northeast-1, unchanged\n\n",
  );
  expect([questions, changesMade()]).toEqual([[], []]);
});

test("a stack that is not declared any more is told with the line that removes it, and left alone", async () => {
  const { text } = await run(["--diff", "--stack", "site"]);
  // These tests' assembly declares no pipeline.
  expect(text).toContain(
    "Note: senpu-test-pipeline in ap-northeast-1 is there and not declared any more; no deployment removes it, but this does, with what it holds: aws cloudformation delete-stack --stack-name senpu-test-pipeline --region ap-northeast-1 # once nobody needs it.",
  );
  expect(text.match(/not declared any more/g)).toHaveLength(1);
  expect(changesMade()).toEqual([]);
});

test("whoever may not list stacks deploys all the same, and is told what is not known", async () => {
  account.refused.add("ListStacks");
  const { exitCode, text } = await run(["--diff"]);
  expect(exitCode).toBe(0);
  expect(text).toMatch(
    /Note: whether stacks are there .* not known: listing the stacks in \S+: not allowed; .* cloudformation:ListStacks/,
  );
});

test("whoever says no has deployed nothing", async () => {
  const { exitCode } = await run([], { ask: async () => false });
  expect([exitCode, changesMade()]).toEqual([2, []]);
});

test("without a terminal it asks for --yes, before anything else", async () => {
  await expect(run([], { canAsk: () => false })).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringContaining("--yes deploys without asking") as string,
  });
  expect(account.log).toEqual([]);
});

test("what would lose data is refused by name, and nobody is asked", async () => {
  const [lost = ""] = Object.keys(acceptedTemplate("site").Resources);
  synthesise({ site: { [lost]: undefined } });
  await expect(run([])).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(
      new RegExp(`^nothing was deployed:\\n  test-site: ${lost} .*its data would be lost`),
    ) as string,
  });
  expect([questions, changesMade()]).toEqual([[], []]);
});

test("an account that the CDK was never set up in is told the line that does it", async () => {
  account.stacks.delete("us-east-1/CDKToolkit");
  account.stacks.delete("ap-northeast-1/CDKToolkit");
  await expect(run(["--yes"])).rejects.toThrow(
    "account 000000000000: the CDK has not been set up in us-east-1 and ap-northeast-1.\n" +
      "Once, by whoever may make roles and a bucket: npx cdk bootstrap aws://000000000000/us-east-1 aws://000000000000/ap-northeast-1",
  );
});

test("a stack that something is being done to is waited for, as after an interruption", async () => {
  let looks = 0;
  Object.defineProperty(account.stacks.get(EDGE), "status", {
    get: () => (++looks < 3 ? "UPDATE_IN_PROGRESS" : "UPDATE_COMPLETE"),
  });
  const { text } = await run(["--diff", "--stack", "edge"]);
  expect(looks).toBeGreaterThanOrEqual(3);
  expect(text).toContain("1 added");
});

test("a stack that must be rolled back by hand is told with the command, and nothing else is tried", async () => {
  account.stacks.get(EDGE)!.status = "UPDATE_ROLLBACK_FAILED";
  await expect(run(["--yes"])).rejects.toThrow(
    /^stack senpu-test-edge is UPDATE_ROLLBACK_FAILED:\nit cannot be deployed until it is rolled back: npx cdk rollback edge --app /,
  );
});

test("whoever may not look is told the action that is missing", async () => {
  account.refused.add("GetTemplate");
  await expect(run(["--yes"])).rejects.toThrow(
    "reading the template of stack senpu-test-edge: not allowed; these credentials need the IAM action cloudformation:GetTemplate",
  );
});

test("a lane whose canary call fails makes the deployment end with 1, and says which", async () => {
  synthesise({});
  const failed = { ...SUCCEEDED, state: "failed" as const, status: 500, error: "HTTP 500" };
  const { exitCode, text } = await run([], { canary: async () => [failed] });
  expect(exitCode).toBe(1);
  expect(text).toContain("canary of lane crm: HTTP 500 (u)");
  expect(text).toContain("npx senpu doctor --env test looks why");
});

test("--json is one value, with what would change and what became of it", async () => {
  const { text } = await run(["--json", "--diff"]);
  expect(JSON.parse(text)).toMatchObject({
    env: "test",
    account: "000000000000",
    stacks: [
      { stack: "edge", resources: [{ path: "settings/option", action: "add", holdsState: false }] },
      { stack: "site", resources: [] },
    ],
    refused: [],
    deployed: [],
    canary: null,
  });
});

test("a stack that there is not is named with those that there are", async () => {
  await expect(run(["--yes", "--stack", "pipline"])).rejects.toThrow(
    "--stack pipline: there are edge, site",
  );
});

test("each environment's canary names lanes of senpu.config.yaml only", () => {
  const { lanes } = readConfig(CONFIG_FILE);
  for (const { canary } of ENVIRONMENTS) {
    expect(canary && canaryLanes(canary, lanes)).toHaveLength(lanes.length);
  }
});
