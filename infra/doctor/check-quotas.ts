import { GetServiceQuotaCommand, ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import { explainRefusal } from "../../shared/aws/explain-refusal.ts";
import { ok, problem, warning } from "../../shared/finding.ts";
import type { Finding } from "../../shared/finding.ts";
import { formatCount } from "../../shared/terminal/format.ts";
import type { DeployedCheck } from "./examination.ts";
import { needsOf } from "./quota-needs.ts";
import type { Need } from "./quota-needs.ts";

const NAME = "quotas";

/**
 * Is there room in the account for what the lanes may use of Lambda, Fargate, SNS and SQS? What Service Quotas does not
 * tell is compared with what is documented, or left as a warning.
 */
export const checkQuotas: DeployedCheck = async ({ clients, named, config, environment }) => {
  const { region } = named;
  const client = clients.of(ServiceQuotasClient, region);
  const findings: Finding[] = [];
  for (const need of needsOf(config, environment.pipeline.maxTasks, region)) {
    try {
      const { Quota } = await client.send(
        new GetServiceQuotaCommand({ ServiceCode: need.service, QuotaCode: need.code }),
      );
      findings.push(judge(need, Quota?.Value, region));
    } catch (error) {
      const { name } = Object(error) as { name?: string };
      if (name !== "NoSuchResourceException") throw explainRefusal(error, "asking for quotas");
      findings.push(judge(need, undefined, region));
    }
  }
  return findings;
};

function judge(need: Need, told: number | undefined, region: string): Finding {
  const { what, amount, service, code, scope, documented } = need;
  const needed = `${what}: the lanes may use ${formatCount(Math.ceil(amount))}`;
  const value = told ?? documented;
  if (value === undefined) {
    return warning(
      NAME,
      `${needed}, and Service Quotas does not tell how many there are`,
      `look at ${service} in the console of Service Quotas`,
    );
  }
  const source = told === undefined ? ", as AWS documents it; Service Quotas does not tell" : "";
  if (amount <= value) return ok(NAME, `${needed} of ${formatCount(value)}${source}`);
  const less = `${need.less} in senpu.config.yaml`;
  if (scope === "queue") {
    return problem(
      NAME,
      `${needed}, and a queue has ${formatCount(value)}${source}`,
      `beyond it SQS hands out nothing, and raises it for nobody by Service Quotas: ${less}`,
    );
  }
  return problem(
    NAME,
    `${needed}, and the account has ${formatCount(value)}${source}; everything else in ${region} uses them too`,
    `aws service-quotas request-service-quota-increase --service-code ${service} --quota-code ${code} --region ${region} --desired-value ${Math.ceil(amount)}, or ${less}`,
  );
}
