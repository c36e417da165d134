import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { explainRefusal } from "../../shared/aws/explain-refusal.ts";
import { Stack } from "../../shared/aws/stack.ts";
import type { LaneConfig } from "../../shared/config/config.ts";
import type { FargateWorker } from "../../shared/config/fargate-worker.ts";
import { problem } from "../../shared/finding.ts";
import type { Finding } from "../../shared/finding.ts";
import { EcsClient } from "../aws/ecs-client.ts";
import { standingOf } from "../deploy/stack-status.ts";
import type { DeployedCheck } from "./examination.ts";
import { findServices } from "./fargate-services.ts";
import { judgeService } from "./judge-service.ts";
import type { Service, StoppedTask } from "./judge-service.ts";

const NAME = "workers";
/** As ECS says that there is no such thing. Source: ECS API reference, DescribeServices. */
const GONE: ReadonlySet<string> = new Set(["ClusterNotFoundException", "ServiceNotFoundException"]);

/**
 * Do the containers run that lanes on Fargate are to have? In: what ECS tells of each lane's service and of its tasks that
 * stopped within the last hour; it forgets older ones. The bounds are those that a deployment would give the autoscaling.
 */
export const checkTasks: DeployedCheck = async ({
  clients,
  named,
  config,
  environment,
  stacks,
}) => {
  const lanes = config.lanes.filter(isOnFargate);
  const pipeline = stacks.find(({ id }) => id === "pipeline");
  if (lanes.length === 0 || pipeline === undefined) return [];
  const { stackName, region } = pipeline;
  const cloudFormation = clients.of(CloudFormationClient, region);
  const standing = standingOf((await new Stack(cloudFormation, stackName).describe())?.status);
  // Of a stack that is not there, its own check tells.
  if (standing === "new" || standing === "failed at first") return [];
  const services = await findServices(cloudFormation, stackName);
  const client = clients.of(EcsClient, region);
  const again = `npx senpu deploy --env ${named.name}`;
  const findings: Finding[] = [];
  for (const { name, worker } of lanes) {
    const arn = services.get(name);
    const service = arn === undefined ? undefined : await describe(client, arn);
    if (arn === undefined || service === undefined) {
      const found = `lane ${name}: there is no service that makes its calls`;
      findings.push(problem(NAME, found, `it is deployed by: ${again}`));
      continue;
    }
    const bounds = {
      least: worker.minTasks,
      most: Math.min(worker.maxTasks, environment.pipeline.maxTasks),
    };
    const stopped = await listStopped(client, arn);
    findings.push(
      ...judgeService(NAME, { lane: name, arn, region, again, bounds }, service, stopped),
    );
  }
  return findings;
};

function isOnFargate(lane: LaneConfig): lane is LaneConfig & { readonly worker: FargateWorker } {
  return lane.worker.kind === "fargate";
}

/** `arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/NAME` */
function clusterOf(arn: string): string {
  return arn.split("/")[1] ?? "default";
}

/** Undefined: there is none, or none any more. */
async function describe(client: EcsClient, arn: string): Promise<Service | undefined> {
  try {
    const input = { cluster: clusterOf(arn), services: [arn] };
    const { services = [] } = (await client.send("DescribeServices", input)) as {
      readonly services?: readonly Service[];
    };
    return services.find(({ status }) => status !== "INACTIVE");
  } catch (error) {
    const { name } = Object(error) as { readonly name?: string };
    if (name !== undefined && GONE.has(name)) return undefined;
    throw explainRefusal(error, `asking for service ${arn}`);
  }
}

/** A hundred at the most, which ECS lists and describes at once: the newest is what is asked for. */
async function listStopped(client: EcsClient, arn: string): Promise<readonly StoppedTask[]> {
  const cluster = clusterOf(arn);
  try {
    const wanted = { cluster, serviceName: arn.split("/").at(-1), desiredStatus: "STOPPED" };
    const { taskArns = [] } = (await client.send("ListTasks", wanted)) as {
      readonly taskArns?: readonly string[];
    };
    if (taskArns.length === 0) return [];
    const { tasks = [] } = (await client.send("DescribeTasks", { cluster, tasks: taskArns })) as {
      readonly tasks?: readonly StoppedTask[];
    };
    return tasks;
  } catch (error) {
    throw explainRefusal(error, `asking why tasks of service ${arn} stopped`);
  }
}
