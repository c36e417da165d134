import {
  CloudFormationClient,
  DescribeStackDriftDetectionStatusCommand,
  DescribeStackResourceDriftsCommand,
  DetectStackDriftCommand,
} from "@aws-sdk/client-cloudformation";
import type {
  DescribeStackResourceDriftsCommandOutput,
  StackResourceDrift,
} from "@aws-sdk/client-cloudformation";
import { setTimeout as sleep } from "node:timers/promises";
import { explainRefusal } from "../../shared/aws/explain-refusal.ts";
import { Stack } from "../../shared/aws/stack.ts";
import { nameSome, ok, problem, warning } from "../../shared/finding.ts";
import type { Finding } from "../../shared/finding.ts";
import { standingOf } from "../deploy/stack-status.ts";
import { allowedDrift } from "./allowed-drift.ts";
import type { DeployedCheck, DeployedExamination, DeployedStack } from "./examination.ts";

const NAME = "drift";
/** A stack of a hundred resources takes CloudFormation a minute or two. */
const PATIENCE_MS = 600_000;

/**
 * Has anybody changed by hand what a stack declares (L14)? CloudFormation compares; what functions may change at run time
 * is told, and no fault. It looks at the types that it can, and at the properties that the template names.
 */
export const checkDrift: DeployedCheck = async (examination) => {
  const { stacks, clients, onSlow } = examination;
  onSlow("looking for drift, which takes CloudFormation a minute or two");
  const findings = await Promise.all(
    stacks.map(async (stack) => {
      const client = clients.of(CloudFormationClient, stack.region);
      // Of any other, its own check tells.
      const status = (await new Stack(client, stack.stackName).describe())?.status;
      if (standingOf(status) !== "ready") return [];
      try {
        return judge(await detect(client, stack, examination.pollMs), stack, examination);
      } catch (error) {
        throw explainRefusal(error, `looking for drift of stack ${stack.stackName}`);
      }
    }),
  );
  return findings.flat();
};

async function detect(
  client: CloudFormationClient,
  { stackName }: DeployedStack,
  pollMs: number,
): Promise<StackResourceDrift[]> {
  const { StackDriftDetectionId } = await client.send(
    new DetectStackDriftCommand({ StackName: stackName }),
  );
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    const { DetectionStatus, DetectionStatusReason } = await client.send(
      new DescribeStackDriftDetectionStatusCommand({ StackDriftDetectionId }),
    );
    if (DetectionStatus === "DETECTION_COMPLETE") break;
    // Some resources could not be looked at; the others were.
    if (DetectionStatus === "DETECTION_FAILED") break;
    if (performance.now() > giveUpAt) throw new Error(DetectionStatusReason ?? "it takes too long");
    await sleep(pollMs);
  }
  const found: StackResourceDrift[] = [];
  let from: string | undefined;
  do {
    const page: DescribeStackResourceDriftsCommandOutput = await client.send(
      new DescribeStackResourceDriftsCommand({
        StackName: stackName,
        StackResourceDriftStatusFilters: ["MODIFIED", "DELETED"],
        ...(from === undefined ? {} : { NextToken: from }),
      }),
    );
    found.push(...(page.StackResourceDrifts ?? []));
    from = page.NextToken;
  } while (from !== undefined);
  return found;
}

function judge(
  drifts: readonly StackResourceDrift[],
  { id, stackName }: DeployedStack,
  { named }: DeployedExamination,
): Finding[] {
  const allowed = new Set<string>();
  const faults = drifts.flatMap((drift) => {
    const { LogicalResourceId = "", PhysicalResourceId = "", ResourceType = "" } = drift;
    const what = `${LogicalResourceId} (${ResourceType})`;
    if (drift.StackResourceDriftStatus === "DELETED") {
      return [
        problem(NAME, `${stackName}: ${what} was deleted by hand`, adviceFor(named.name, id)),
      ];
    }
    const expected = parse(drift.ExpectedProperties);
    const paths = (drift.PropertyDifferences ?? []).flatMap(({ PropertyPath: path = "" }) => {
      const why = allowedDrift(
        { type: ResourceType, physicalId: PhysicalResourceId, path, expected },
        named.prefix,
      );
      if (why === undefined) return [path];
      allowed.add(why);
      return [];
    });
    if (paths.length === 0) return [];
    const properties = nameSome(paths.map((path) => path.replace(/^\//, "")));
    return [
      warning(
        NAME,
        `${stackName}: ${what} was changed by hand: ${properties}`,
        adviceFor(named.name, id),
      ),
    ];
  });
  if (faults.length > 0) return faults;
  const told = allowed.size === 0 ? "" : `, but for ${[...allowed].join(" and ")}`;
  return [ok(NAME, `${stackName} is as it was deployed${told}`)];
}

/** Deploying again alone leaves it: CloudFormation compares templates, and they are the same. */
function adviceFor(environment: string, stack: string): string {
  return `take it back by hand, or declare it in infra/stacks and deploy: npx senpu deploy --env ${environment} --stack ${stack}`;
}

function parse(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}
