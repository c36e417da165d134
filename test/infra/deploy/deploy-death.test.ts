import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startFakeAccount } from "../../support/fake-account.ts";
import type { FakeAccount } from "../../support/fake-account.ts";
import { SenpuProcess } from "../../support/senpu-process.ts";

/**
 * Row F3 of the crash table: `senpu deploy`, a process with the real CDK command line below it, dies by SIGKILL as a
 * change set is being carried out. Fake: the account, which the test has go on with the stack as CloudFormation does.
 */

const EDGE = "us-east-1/senpu-test-edge";
const TEMPLATE = fileURLToPath(
  new URL("../../../dist/cdk.out/test/edge.template.json", import.meta.url),
);

let account: FakeAccount;
const started: SenpuProcess[] = [];

beforeEach(async () => {
  account = await startFakeAccount();
  account.addStack("us-east-1/CDKToolkit", "CREATE_COMPLETE", {}, { BootstrapVersion: "30" });
});
afterEach(async () => {
  for (const { child } of started.splice(0)) child.kill("SIGKILL");
  await account.close();
});

function deploy(): SenpuProcess {
  const words = ["deploy", "--env", "test", "--stack", "edge", "--yes", "--no-canary"];
  const process = new SenpuProcess(words, {
    env: {
      AWS_ENDPOINT_URL: account.url,
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_ACCESS_KEY_ID: "senpu",
      AWS_SECRET_ACCESS_KEY: "senpu",
      AWS_REGION: "ap-northeast-1",
    },
  });
  started.push(process);
  return process;
}

/** Killed as a change set for the stack is being carried out, which ends as the account is told to. */
async function dieInChangeSet(): Promise<void> {
  const first = deploy();
  account.onExecute = () => void first.child.kill("SIGKILL");
  const { signal, stdout, stderr } = await first.ended;
  expect(signal, `${stdout}\n${stderr}`).toBe("SIGKILL");
  account.onExecute = () => {};
}

function executions(): number {
  return account.log.filter((line) => line.endsWith("ExecuteChangeSet")).length;
}

test(
  "F3: killed while a change set is carried out, the same command waits for AWS, compares anew, and makes nothing twice",
  { timeout: 400_000 },
  async () => {
    const held = { resource: "acl", type: "AWS::WAFv2::WebACL", reason: "none" };
    account.failures.set(EDGE, { ...held, status: "CREATE_IN_PROGRESS" });
    await dieInChangeSet();
    expect(account.stacks.get(EDGE)?.status).toBe("CREATE_IN_PROGRESS");

    const second = deploy();
    await second.waitForStderr(/waiting for senpu-test-edge, to which something is being done/);
    const stack = account.stacks.get(EDGE)!;
    stack.template = readFileSync(TEMPLATE, "utf8");
    stack.status = "CREATE_COMPLETE";
    const { exitCode, stdout } = await second.ended;
    expect(stdout).toContain("edge: senpu-test-edge in us-east-1, unchanged");
    expect(stdout).toContain("Nothing of test differs from what is deployed.");
    expect([exitCode, executions()]).toEqual([0, 1]);
  },
);

test(
  "F3: killed so, and taken back by AWS, the same command makes the stack anew",
  { timeout: 400_000 },
  async () => {
    const failed = { resource: "acl", type: "AWS::WAFv2::WebACL", reason: "it failed" };
    account.failures.set(EDGE, { ...failed, status: "ROLLBACK_COMPLETE" });
    await dieInChangeSet();

    const { exitCode, stdout } = await deploy().ended;
    expect(stdout).toContain("senpu-test-edge is deployed.");
    expect([exitCode, executions()]).toEqual([0, 2]);
    expect(account.stacks.get(EDGE)?.status).toBe("CREATE_COMPLETE");
  },
);
