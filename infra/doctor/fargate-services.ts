import { DescribeStackResourceCommand } from "@aws-sdk/client-cloudformation";
import type { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { explainRefusal } from "../../shared/aws/explain-refusal.ts";
import { messageOf } from "../../shared/errors.ts";
import { resourcesOf } from "../checks/template.ts";
import { readDeployedTemplate } from "../deploy/deployed-template.ts";

/**
 * The service that makes each lane's calls, as the deployed template declares it: by lane, the ARN. A lane's name is in
 * the variables of its task alone; the names of resources are made of it, and not uniquely.
 * Needs `cloudformation:GetTemplate` and `cloudformation:DescribeStackResource`. Throws SenpuError `aws`.
 */
export async function findServices(
  client: CloudFormationClient,
  stackName: string,
): Promise<Map<string, string>> {
  const template = await readDeployedTemplate(client, stackName);
  const lanes = new Map(
    resourcesOf(template, "AWS::ECS::TaskDefinition").map(([id, { Properties }]) => [
      id,
      laneOf(Properties as TaskDefinition | undefined),
    ]),
  );
  const found = new Map<string, string>();
  for (const [id, { Properties = {} }] of resourcesOf(template, "AWS::ECS::Service")) {
    const { Ref = "" } = Object(Properties["TaskDefinition"]) as { readonly Ref?: string };
    const lane = lanes.get(Ref);
    const arn = lane === undefined ? undefined : await arnOfResource(client, stackName, id);
    if (lane !== undefined && arn !== undefined) found.set(lane, arn);
  }
  return found;
}

interface TaskDefinition {
  readonly ContainerDefinitions?: readonly {
    readonly Environment?: readonly { readonly Name?: unknown; readonly Value?: unknown }[];
  }[];
}

function laneOf(task: TaskDefinition | undefined): string | undefined {
  const variables = (task?.ContainerDefinitions ?? []).flatMap(
    ({ Environment = [] }) => Environment,
  );
  const value = variables.find(({ Name }) => Name === "SENPU_LANES")?.Value;
  return typeof value === "string" ? value : undefined;
}

/** Undefined where it was not made yet. */
async function arnOfResource(
  client: CloudFormationClient,
  StackName: string,
  LogicalResourceId: string,
): Promise<string | undefined> {
  try {
    const { StackResourceDetail } = await client.send(
      new DescribeStackResourceCommand({ StackName, LogicalResourceId }),
    );
    return StackResourceDetail?.PhysicalResourceId || undefined;
  } catch (error) {
    if (messageOf(error).includes("does not exist")) return undefined;
    throw explainRefusal(error, `asking for ${LogicalResourceId} of stack ${StackName}`);
  }
}
