import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import type { Clients } from "../../../infra/aws/clients.ts";
import { checkQuotas } from "../../../infra/doctor/check-quotas.ts";
import type { DeployedExamination } from "../../../infra/doctor/examination.ts";
import { needsOf } from "../../../infra/doctor/quota-needs.ts";
import { findEnvironment } from "../../../infra/environments/index.ts";
import { nameEnvironment } from "../../../infra/environments/named.ts";
import type { Config } from "../../../shared/config/config.ts";
import { readConfig } from "../../../shared/config/read-config.ts";
import type { Finding } from "../../../shared/finding.ts";
import { makeFolder } from "../../support/command-line.ts";
import { useFakeAccount } from "../../support/account-stage.ts";
import type { FakeAccount } from "../../support/fake-account.ts";

const [LAMBDA, SPOT, SNS, SQS] = ["L-B99A9384", "L-36FBB829", "L-F8E2BA85", "L-C491D5A4"] as const;

let account: FakeAccount;
let clients: Clients;
/** By code; what is not there, Service Quotas does not know. */
let quotas: Map<string, number>;

const at = useFakeAccount();
beforeEach(() => {
  ({ account } = at);
  ({ clients } = at);
  quotas = new Map([
    [LAMBDA, 1_000],
    [SPOT, 6],
    [SNS, 1_500],
    [SQS, 120_000],
  ]);
  account.json.set("GetServiceQuota", ({ QuotaCode }) => {
    const Value = quotas.get(String(QuotaCode));
    if (Value !== undefined) return { Quota: { Value } };
    throw Object.assign(new Error("no such quota"), { name: "NoSuchResourceException" });
  });
});

function configOf(lanes: string): Config {
  const path = join(makeFolder(), "senpu.config.yaml");
  writeFileSync(path, `lanes:\n${lanes}`);
  return readConfig(path);
}

function check(lanes: string): Promise<readonly Finding[]> {
  const environment = findEnvironment("test");
  const named = nameEnvironment("test");
  const examination = { clients, named, environment, config: configOf(lanes) };
  return checkQuotas(examination as unknown as DeployedExamination);
}

const CRM = `  crm: { match: "https://api.example.com/**", worker: { lambda: { maxConcurrency: 20 } } }\n`;

async function faults(lanes: string): Promise<Finding[]> {
  return (await check(lanes)).filter(({ state }) => state !== "ok");
}

test("a quota that the lanes may pass is a problem, with the line that asks for more", async () => {
  quotas.set(LAMBDA, 10);
  expect(await faults(CRM)).toMatchObject([
    {
      state: "problem",
      found:
        "functions running at once: the lanes may use 30, and the account has 10; everything else in ap-northeast-1 uses them too",
      advice: expect.stringContaining("--service-code lambda --quota-code L-B99A9384") as string,
    },
  ]);
});

test("SNS is asked how many messages a second it takes, which lanes without a rate may pass by their workers", async () => {
  quotas.set(SNS, 300);
  const many = `  crm: { match: "https://api.example.com/**", worker: { lambda: { maxConcurrency: 60 } } }\n`;
  expect(await faults(many)).toMatchObject([
    {
      found:
        "messages published a second: the lanes may use 620, and the account has 300; everything else in ap-northeast-1 uses them too",
      advice:
        "aws service-quotas request-service-quota-increase --service-code sns --quota-code L-F8E2BA85 --region ap-northeast-1 --desired-value 620, or a rate for the lanes that have none, or fewer workers in senpu.config.yaml",
    },
  ]);
  const slow = many.replace("worker", "rate: 20/s, worker");
  expect(await faults(slow)).toEqual([]);
});

test("SQS is asked how many messages of one queue may be in flight, which is compared with the fullest lane", async () => {
  const full = `  crm: { match: "https://api.example.com/**", worker: { lambda: { maxConcurrency: 100, batch: 2000, window: 5s } } }\n`;
  expect(await faults(full)).toMatchObject([
    {
      state: "problem",
      found: "messages of lane crm in flight: the lanes may use 200,000, and a queue has 120,000",
      advice: expect.stringContaining("a smaller batch or maxConcurrency") as string,
    },
  ]);
  quotas.set(SQS, 250_000);
  expect(await faults(full)).toEqual([]);
});

test("what Service Quotas does not tell of SNS and SQS is compared with AWS's documents, and told so", async () => {
  quotas.delete(SNS);
  quotas.delete(SQS);
  const found = (await check(CRM)).map((finding) => `${finding.state} ${finding.found}`);
  expect(found.slice(1)).toEqual([
    "ok messages published a second: the lanes may use 220 of 1,500, as AWS documents it; Service Quotas does not tell",
    "ok messages of lane crm in flight: the lanes may use 200 of 120,000, as AWS documents it; Service Quotas does not tell",
  ]);
});

test("what is neither told nor documented is a warning, with where to look", async () => {
  quotas.delete(LAMBDA);
  expect(await faults(CRM)).toMatchObject([
    { state: "warning", advice: "look at lambda in the console of Service Quotas" },
  ]);
});

test("a region with a quota of its own is compared with that, and any other with the least", () => {
  const config = configOf(CRM);
  const documented = (region: string): number | undefined =>
    needsOf(config, 4, region).find(({ service }) => service === "sns")?.documented;
  expect(["us-east-1", "eu-west-1", "ap-northeast-1", "ap-northeast-3"].map(documented)).toEqual([
    30_000, 9_000, 1_500, 300,
  ]);
});

test("a lane of containers needs what its tasks hold, however small its messages are", () => {
  const config = configOf(
    `  reports: { match: "https://reports.example.com/**", concurrency: 400, worker: { fargate: { tasks: { max: 9 } } } }\n`,
  );
  const inFlight = needsOf(config, 3, "us-east-1").find(({ service }) => service === "sqs");
  expect(inFlight).toMatchObject({ what: "messages of lane reports in flight", amount: 24_000 });
});
