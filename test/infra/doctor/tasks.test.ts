import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import type { Clients } from "../../../infra/aws/clients.ts";
import { checkTasks } from "../../../infra/doctor/check-tasks.ts";
import { stacksOf } from "../../../infra/doctor/examination.ts";
import type { DeployedExamination } from "../../../infra/doctor/examination.ts";
import { findEnvironment } from "../../../infra/environments/index.ts";
import { nameEnvironment } from "../../../infra/environments/named.ts";
import { readConfig } from "../../../shared/config/read-config.ts";
import type { Finding } from "../../../shared/finding.ts";
import { makeFolder } from "../../support/command-line.ts";
import { useFakeAccount } from "../../support/account-stage.ts";
import type { FakeAccount } from "../../support/fake-account.ts";
import { fargateTemplate, runFargate } from "../../support/fake-fargate.ts";
import type { FakeFargate } from "../../support/fake-fargate.ts";

/**
 * ECS is a fake that answers what its API reference describes: that AWS answers so has not been seen.
 */

const PIPELINE = "ap-northeast-1/senpu-test-pipeline";
/** Names of which CloudFormation's own would be the same but for a hash. */
const LANES = `
lanes:
  re-ports: { match: "https://a.example.com/**", worker: { fargate: { tasks: { max: 9 } } } }
  reports: { match: "https://b.example.com/**", worker: { fargate: { tasks: { min: 1, max: 2 } } } }
  crm: { match: "https://c.example.com/**", worker: lambda }
`;
const BUSY = {
  status: "ACTIVE",
  desiredCount: 2,
  runningCount: 2,
  deployments: [{ status: "PRIMARY", rolloutState: "COMPLETED" }],
};

let account: FakeAccount;
let clients: Clients;
let ecs: FakeFargate;

const at = useFakeAccount();
beforeEach(() => {
  ({ account } = at);
  ({ clients } = at);
  account.addStack(PIPELINE, "UPDATE_COMPLETE", fargateTemplate(["reports", "re-ports"]));
  ecs = runFargate(account);
  ecs.services.set("service0", BUSY);
});

function check(): Promise<readonly Finding[]> {
  const config = join(makeFolder(), "senpu.config.yaml");
  writeFileSync(config, LANES);
  const environment = findEnvironment("test");
  const named = nameEnvironment("test");
  const stacks = stacksOf(environment, named.prefix);
  const examination = { clients, named, environment, config: readConfig(config), stacks };
  return checkTasks(examination as unknown as DeployedExamination);
}

async function faults(): Promise<string[]> {
  const findings = await check();
  return findings
    .filter(({ state }) => state !== "ok")
    .map(({ state, found }) => `${state}: ${found}`);
}

test("lanes on Fargate are told with the tasks that run and their bounds, lanes on Lambda are not looked at", async () => {
  expect((await check()).map(({ state, found }) => `${state}: ${found}`)).toEqual([
    "ok: lane re-ports: 0 tasks run, as wanted; its autoscaling has 0 to 4",
    "ok: lane reports: 2 tasks run, as wanted; its autoscaling has 1 to 2",
  ]);
  expect(account.log.filter((line) => line.endsWith("DescribeServices"))).toEqual(
    Array.from({ length: 2 }, () => "ap-northeast-1 DescribeServices"),
  );
});

test("a lane whose service is gone, or was never made, is a problem with the line that deploys it", async () => {
  ecs.services.set("service0", undefined);
  account.stacks.get(PIPELINE)!.template = JSON.stringify(fargateTemplate(["reports"]));
  expect(await faults()).toEqual([
    "problem: lane re-ports: there is no service that makes its calls",
    "problem: lane reports: there is no service that makes its calls",
  ]);
});

test("a deployment that the circuit breaker took back is a problem, with ECS's reason", async () => {
  const reason = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1.";
  ecs.services.set("service0", {
    ...BUSY,
    deployments: [
      { status: "PRIMARY", rolloutState: "IN_PROGRESS", rolloutStateReason: reason },
      { status: "ACTIVE", rolloutState: "FAILED", rolloutStateReason: "tasks failed to start." },
    ],
  });
  expect(await faults()).toEqual([
    `problem: lane reports: its last deployment failed, and was taken back: ${reason}`,
  ]);
});

test("a deployment that failed and was not taken back is a problem too", async () => {
  const rolloutStateReason = "ECS deployment circuit breaker: tasks failed to start.";
  const deployments = [{ status: "PRIMARY", rolloutState: "FAILED", rolloutStateReason }];
  ecs.services.set("service0", { ...BUSY, deployments });
  expect(await faults()).toEqual([
    `problem: lane reports: its last deployment failed: ${rolloutStateReason}`,
  ]);
});

test("a number of tasks outside the autoscaling's bounds was set by hand", async () => {
  ecs.services.set("service0", { ...BUSY, desiredCount: 7, runningCount: 7 });
  expect(await faults()).toEqual([
    "warning: lane reports: 7 tasks wanted, and its autoscaling has 1 to 2",
  ]);
});

test("tasks that do not start are a problem, with why the last one stopped", async () => {
  ecs.services.set("service0", { ...BUSY, runningCount: 0 });
  ecs.services.set("service1", { ...BUSY, runningCount: 1 });
  ecs.stopped.push(
    { stopCode: "TaskFailedToStart", stoppedReason: "an older reason", stoppedAt: 1_000 },
    {
      stopCode: "TaskFailedToStart",
      stoppedReason: "CannotPullContainerError: not found",
      stoppedAt: 2_000,
    },
    { stopCode: "ServiceSchedulerInitiated", stoppedReason: "Scaling activity", stoppedAt: 3_000 },
  );
  expect((await faults()).filter((line) => line.includes("lane reports"))).toEqual([
    "problem: lane reports: 0 of 2 tasks run",
    "warning: lane reports: a task stopped within the last hour: CannotPullContainerError: not found",
  ]);
});

test("a task that ended by itself is told with its exit code; one that Spot or the scaling ended is not", async () => {
  ecs.stopped.push(
    { stopCode: "SpotInterruption", stoppedReason: "Spot", stoppedAt: 3_000 },
    {
      stopCode: "EssentialContainerExited",
      stoppedReason: "Essential container in task exited",
      stoppedAt: 1_000,
      containers: [{ exitCode: 137, reason: "OutOfMemoryError" }],
    },
  );
  expect(await faults()).toContain(
    "warning: lane reports: a task stopped within the last hour: Essential container in task exited (exit code 137, OutOfMemoryError)",
  );
  ecs.stopped.pop();
  expect(await faults()).toEqual([]);
});

test("of a stack that is not there nothing is told here", async () => {
  account.stacks.delete(PIPELINE);
  expect(await check()).toEqual([]);
});

test("an action that these credentials lack is named", async () => {
  account.refused.add("ListTasks");
  await expect(check()).rejects.toThrow(
    /^asking why tasks of service arn:\S+ stopped: not allowed; these credentials need the IAM action ecs:ListTasks$/,
  );
});
