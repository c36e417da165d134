import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { Stack } from "../../shared/aws/stack.ts";
import { ok, problem, warning } from "../../shared/finding.ts";
import type { Finding } from "../../shared/finding.ts";
import { assemblyFolder } from "../deploy/assembly.ts";
import { standingOf, whatNow } from "../deploy/stack-status.ts";
import type { DeployedCheck } from "./examination.ts";

const NAME = "stacks";

/** Is each stack there, and did its last deployment end well? */
export const checkStacks: DeployedCheck = async ({ clients, environment, stacks }) => {
  const again = `npx senpu deploy --env ${environment.name}`;
  const assembly = assemblyFolder(environment.name);
  const findings = await Promise.all(
    stacks.map(async (stack): Promise<Finding> => {
      const { stackName, region } = stack;
      const client = clients.of(CloudFormationClient, region);
      const status = (await new Stack(client, stackName).describe())?.status;
      const found = `${stackName} is ${status ?? `not there, in ${region}`}`;
      const now = whatNow(status, { ...stack, assembly, again });
      switch (standingOf(status)) {
        case "new":
          return problem(NAME, found, `it is deployed by: ${again}`);
        case "failed at first":
        case "stuck":
          return problem(NAME, found, now);
        case "busy":
          return warning(
            NAME,
            found,
            "something is being done to it; look again when that is over",
          );
        case "ready":
        default:
          return status?.includes("ROLLBACK") === true
            ? warning(NAME, `${found}: its last deployment failed`, now)
            : ok(NAME, found);
      }
    }),
  );
  return findings;
};
