import { GetServiceQuotaCommand, ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import { explainRefusal } from "../../shared/aws/explain-refusal.ts";
import type { Config } from "../../shared/config/config.ts";
import { ok, problem, warning } from "../../shared/finding.ts";
import type { Finding } from "../../shared/finding.ts";
import { formatCount } from "../../shared/terminal/format.ts";
import type { DeployedCheck } from "./examination.ts";

const NAME = "quotas";

/** What the lanes may use at once of what an account and region has. */
interface Need {
  readonly service: string;
  readonly code: string;
  readonly what: string;
  readonly amount: number;
}

/** Beside the lanes: the producer twice (one waits for another), the recorder, the ledger's two functions. */
const OTHER_FUNCTIONS = 8;
/** CPU units in a vCPU, as ECS counts them. */
const CPU_UNITS = 1_024;

/**
 * Is there room in the account for what the lanes may use? SNS and SQS have no quota that a lane comes near: a topic takes
 * thousands of batches a second, a queue 120,000 messages in flight, of which a lane's workers hold hundreds.
 * Sources: Service Quotas, by these codes; SNS and SQS developer guides, "Quotas".
 */
export const checkQuotas: DeployedCheck = async ({ clients, named, config, environment }) => {
  const client = clients.of(ServiceQuotasClient, named.region);
  const findings: Finding[] = [];
  for (const need of needsOf(config, environment.pipeline.maxTasks)) {
    try {
      const { Quota } = await client.send(
        new GetServiceQuotaCommand({ ServiceCode: need.service, QuotaCode: need.code }),
      );
      findings.push(judge(need, Quota?.Value, named.region));
    } catch (error) {
      const { name } = Object(error) as { name?: string };
      if (name !== "NoSuchResourceException") throw explainRefusal(error, "asking for quotas");
      findings.push(judge(need, undefined, named.region));
    }
  }
  return findings;
};

/** `maxTasks`: the most that the environment lets one lane run. */
function needsOf({ lanes }: Config, maxTasks: number): Need[] {
  let concurrency = OTHER_FUNCTIONS;
  const cpu = { spot: 0, other: 0 };
  for (const { worker } of lanes) {
    if (worker.kind === "lambda") concurrency += worker.maxConcurrency;
    else {
      cpu[worker.spot ? "spot" : "other"] +=
        (Math.min(worker.maxTasks, maxTasks) * worker.cpuUnits) / CPU_UNITS;
    }
  }
  const needs: Need[] = [
    {
      service: "lambda",
      code: "L-B99A9384",
      what: "functions running at once",
      amount: concurrency,
    },
    { service: "fargate", code: "L-36FBB829", what: "vCPUs of Fargate Spot", amount: cpu.spot },
    { service: "fargate", code: "L-3032A538", what: "vCPUs of Fargate", amount: cpu.other },
  ];
  return needs.filter(({ amount }) => amount > 0);
}

function judge(
  { what, amount, service, code }: Need,
  value: number | undefined,
  region: string,
): Finding {
  const needed = `${what}: the lanes may use ${formatCount(Math.ceil(amount))}`;
  if (value === undefined) {
    return warning(
      NAME,
      `${needed}, and Service Quotas does not tell how many there are`,
      `look at ${service} in the console of Service Quotas`,
    );
  }
  if (amount <= value) return ok(NAME, `${needed} of ${formatCount(value)}`);
  return problem(
    NAME,
    `${needed}, and the account has ${formatCount(value)}; everything else in ${region} uses them too`,
    `aws service-quotas request-service-quota-increase --service-code ${service} --quota-code ${code} --region ${region} --desired-value ${Math.ceil(amount)}, or smaller lanes in senpu.config.yaml`,
  );
}
