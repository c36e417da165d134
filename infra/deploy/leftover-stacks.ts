import { CloudFormationClient, paginateListStacks } from "@aws-sdk/client-cloudformation";
import { explainRefusal } from "../../shared/aws/explain-refusal.ts";
import type { Clients } from "../aws/clients.ts";
import { EDGE_REGION } from "../edge/names.ts";
import { standingOf } from "./stack-status.ts";

/** A stack that an earlier version of an environment declared, and that is still there. */
export interface LeftoverStack {
  readonly stackName: string;
  readonly region: string;
  readonly status: string;
}

interface Declared {
  readonly stackName: string;
  readonly region: string;
}

/** Of a stack, after the deployment's prefix: one word. `senpu-test-2-pipeline` is of another environment than `test`. */
const ID = /^[a-z0-9]+$/;

/**
 * Stacks by this environment's names that it does not declare any more: `ledger: null` leaves the ledger's, for instance.
 * They are found by their names, in the environment's region and the edge's; one that stands in a region that the
 * environment has left is not seen. Needs `cloudformation:ListStacks`. Throws SenpuError `aws`.
 */
export async function findLeftovers(
  clients: Clients,
  { prefix, region }: { readonly prefix: string; readonly region: string },
  declared: readonly Declared[],
): Promise<LeftoverStack[]> {
  const found = await Promise.all(
    [...new Set([region, EDGE_REGION])].map(async (where) => {
      const isDeclared = (name: string): boolean =>
        declared.some((stack) => stack.stackName === name && stack.region === where);
      const names = await listStacks(clients.of(CloudFormationClient, where), where);
      return [...names].flatMap(([stackName, status]) =>
        stackName.startsWith(`${prefix}-`) &&
        ID.test(stackName.slice(prefix.length + 1)) &&
        !isDeclared(stackName)
          ? [{ stackName, region: where, status }]
          : [],
      );
    }),
  );
  return found.flat();
}

/** The line that removes it, which nobody but a person runs: what it holds may be the only copy. */
export function removalLine({ stackName, region }: Declared): string {
  return `aws cloudformation delete-stack --stack-name ${stackName} --region ${region}`;
}

/** Status by name, of those that are there: CloudFormation tells of deleted ones for 90 days. */
async function listStacks(
  client: CloudFormationClient,
  region: string,
): Promise<Map<string, string>> {
  const there = new Map<string, string>();
  try {
    for await (const { StackSummaries = [] } of paginateListStacks({ client }, {})) {
      for (const { StackName = "", StackStatus } of StackSummaries) {
        if (standingOf(StackStatus) !== "new") there.set(StackName, StackStatus ?? "unknown");
      }
    }
  } catch (error) {
    throw explainRefusal(error, `listing the stacks in ${region}`);
  }
  return there;
}
