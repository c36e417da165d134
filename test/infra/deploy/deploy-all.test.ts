import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import * as deploy from "../../../infra/commands/deploy.ts";
import { CONFIG_FILE } from "../../../infra/config-file.ts";
import { runCanary } from "../../../infra/deploy/canary/canary.ts";
import { findEnvironment } from "../../../infra/environments/index.ts";
import { prepareAssets } from "../../../infra/stacks/assets.ts";
import { makeApp } from "../../../infra/stacks/make-app.ts";
import { readConfig } from "../../../shared/config/read-config.ts";
import {
  LANES_OUTPUT,
  LEDGER_OUTPUTS,
  PIPELINE_OUTPUTS,
} from "../../../shared/deployment/outputs.ts";
import { HOME, setUpCdk } from "../../support/account-stage.ts";
import { makeFolder, runCommand } from "../../support/command-line.ts";
import { useDeployedStage } from "../../support/deployed-stage.ts";
import { startFakeAccount } from "../../support/fake-account.ts";
import type { FakeAccount } from "../../support/fake-account.ts";

/**
 * `senpu deploy` from an empty account to the canary's last call.
 *
 * Real: the four stacks as they are synthesised, the checks on them, the difference, the CDK command line with its change
 * sets and uploads, finding the deployment by its outputs, the canary, SNS and SQS (embedded), the ledger's answers, a
 * worker and a recorder as processes, and the server that is called.
 * Fake: the account (STS, CloudFormation, SSM, S3: stacks are there at once, and nothing is made of their templates, so
 * that what the worker works with was made beside them), its roles, Lambda's Invoke. The image of the container lanes is
 * left out of the assembly, as there is no registry. The canary calls this machine, which it may by `allow`.
 */

const { lanes } = readConfig(CONFIG_FILE);
const at = useDeployedStage(
  "deploy-all",
  lanes.map(({ name }) => ({ name })),
);
let account: FakeAccount;

beforeAll(async () => {
  account = await startFakeAccount();
  at.stage.onClose(() => account.close());
  for (const [name, value] of Object.entries(at.person)) vi.stubEnv(name, value);
  vi.stubEnv("AWS_REGION", HOME);
  vi.stubEnv("AWS_ENDPOINT_URL", account.url);
  vi.stubEnv("AWS_ENDPOINT_URL_CLOUDFORMATION", account.url);
  vi.stubEnv("AWS_ENDPOINT_URL_S3", account.url);
  setUpCdk(account);
  account.onExecute = tellOutputs;
}, 120_000);
afterAll(() => vi.unstubAllEnvs());

/** Once all is synthesised: that keeps this process, which is DynamoDB too, from answering for longer than a worker waits. */
async function startConsumers(): Promise<void> {
  const names = lanes.map(({ name }) => name).join(",");
  const state = at.stage.newState();
  const env = at.container;
  const worker = at.stage.start(["worker", "--state", state, "--lanes", names], { env });
  const recorder = at.stage.start(["recorder", "--state", at.recorded], { env });
  await Promise.all([
    worker.waitForStderr(/working for/),
    recorder.waitForStderr(/recording into/),
  ]);
}

/** What CloudFormation would tell of what it has made: names of what this test has made beside it. */
function tellOutputs(): void {
  const pipeline = account.stacks.get(`${HOME}/senpu-test-pipeline`);
  const { Outputs = {} } = JSON.parse(pipeline?.template ?? "{}") as {
    Outputs?: Record<string, { Value: unknown }>;
  };
  for (const [key, output] of Object.entries(PIPELINE_OUTPUTS)) {
    if (output in Outputs) pipeline?.outputs.set(output, `senpu-test-${key}`);
  }
  for (const [name, { Value }] of Object.entries(Outputs)) {
    if (name.startsWith(LANES_OUTPUT)) pipeline?.outputs.set(name, String(Value));
  }
  account.stacks
    .get(`${HOME}/senpu-test-ledger`)
    ?.outputs.set(LEDGER_OUTPUTS.function, "the-ledger")
    .set(LEDGER_OUTPUTS.queryFunction, "the-query");
}

async function synthesiseInto(folder: string): Promise<void> {
  makeApp(findEnvironment("test"), await prepareAssets(), folder).synth();
  const assets = join(folder, "pipeline.assets.json");
  const told = JSON.parse(readFileSync(assets, "utf8")) as object;
  writeFileSync(assets, JSON.stringify({ ...told, dockerImages: {} }));
}

test(
  "an empty account ends with four stacks, made in order after one question, and a call of each lane",
  { timeout: 400_000 },
  async () => {
    const server = await at.stage.startServer();
    const folder = makeFolder();
    const asked: { question: string; changed: string[] }[] = [];
    const command = {
      configure: deploy.configure,
      run: (context: Parameters<typeof deploy.run>[0], output: Parameters<typeof deploy.run>[1]) =>
        deploy.run(context, output, {
          synthesise: () => synthesiseInto(folder),
          assembly: folder,
          canAsk: () => true,
          ask: async (question) => {
            asked.push({ question, changed: changes() });
            return true;
          },
          canary: async (deployment, _settings, options) => {
            await startConsumers();
            const settings = { url: `${server.url}/ok`, lanes: {} };
            return runCanary(deployment, settings, { ...options, allow: ["127.0.0.1"] });
          },
          pollMs: 50,
        }),
    };
    const words = ["--env", "test", "--quiet", "--canary-wait", "120s"];
    const { exitCode, output } = await runCommand(command, words);

    expect(asked).toEqual([
      {
        question:
          "Deploy senpu-test-pipeline, senpu-test-ledger, senpu-test-edge, senpu-test-site to account 000000000000?",
        changed: [],
      },
    ]);
    expect(output.text).toMatch(
      /pipeline: senpu-test-pipeline in ap-northeast-1[^]+ledger: senpu-test-ledger in ap-northeast-1[^]+edge: senpu-test-edge in us-east-1[^]+site: senpu-test-site in ap-northeast-1/,
    );
    expect(output.text).toMatch(
      /senpu-test-pipeline is deployed\.\nsenpu-test-ledger is deployed\.\nsenpu-test-edge is deployed\.\nsenpu-test-site is deployed\.\nEvery lane of test has made its canary call\.\n$/,
    );
    expect(exitCode).toBe(0);
    expect(changes()).toEqual(
      [HOME, HOME, "us-east-1", HOME].map((region) => `${region} ExecuteChangeSet`),
    );
    for (const id of ["pipeline", "ledger", "site"]) {
      const template = readFileSync(join(folder, `${id}.template.json`), "utf8");
      const deployed = account.stacks.get(`${HOME}/senpu-test-${id}`);
      expect(JSON.parse(deployed?.template ?? "{}")).toEqual(JSON.parse(template));
    }
    expect(server.requests.filter(({ path }) => path === "/ok")).toHaveLength(lanes.length);
  },
);

function changes(): string[] {
  return account.log.filter((line) => /ExecuteChangeSet|DeleteStack/.test(line));
}
