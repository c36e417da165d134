import { CloudWatchClient, DescribeAlarmsCommand } from "@aws-sdk/client-cloudwatch";
import type { DescribeAlarmsCommandOutput } from "@aws-sdk/client-cloudwatch";
import { explainRefusal } from "../../shared/aws/explain-refusal.ts";
import { ok, warning } from "../../shared/finding.ts";
import type { Finding } from "../../shared/finding.ts";
import type { DeployedCheck } from "./examination.ts";

const NAME = "alarms";

/** Does anything ring? CloudFormation begins an alarm's name with its stack's. */
export const checkAlarms: DeployedCheck = async ({ clients, stacks }) => {
  const findings: Finding[] = [];
  for (const { stackName, region } of stacks) {
    const client = clients.of(CloudWatchClient, region);
    let from: string | undefined;
    try {
      do {
        const page: DescribeAlarmsCommandOutput = await client.send(
          new DescribeAlarmsCommand({
            AlarmNamePrefix: `${stackName}-`,
            StateValue: "ALARM",
            ...(from === undefined ? {} : { NextToken: from }),
          }),
        );
        for (const { AlarmName, AlarmDescription } of page.MetricAlarms ?? []) {
          const found = `${AlarmName} rings`;
          findings.push(warning(NAME, found, AlarmDescription ?? "CloudWatch shows its figures"));
        }
        from = page.NextToken;
      } while (from !== undefined);
    } catch (error) {
      throw explainRefusal(error, `asking for alarms in ${region}`);
    }
  }
  return findings.length > 0 ? findings : [ok(NAME, "none rings")];
};
