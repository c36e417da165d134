import type { Config } from "../../shared/config/config.ts";
import type { NamedEnvironment } from "../../shared/deployment/deployment.ts";
import { ledgerStackName, pipelineStackName } from "../../shared/deployment/stack-names.ts";
import type { Finding } from "../../shared/finding.ts";
import type { Clients } from "../aws/clients.ts";
import type { Identity } from "../aws/identity.ts";
import { EDGE_REGION, edgeStackName } from "../edge/names.ts";
import type { Environment } from "../environments/environment.ts";

/**
 * A check looks at one thing of a deployment and tells what it found. In: where to look. Out: findings; none where the
 * deployment has no such thing. It changes nothing. What it throws is a problem of its own.
 */
export type DeployedCheck = (examination: DeployedExamination) => Promise<readonly Finding[]>;

export interface DeployedExamination {
  readonly environment: Environment;
  readonly named: NamedEnvironment;
  readonly identity: Identity;
  readonly clients: Clients;
  /** Of this checkout: the lanes that a deployment would have. */
  readonly config: Config;
  readonly stacks: readonly DeployedStack[];
  /** Told before something that takes a second or more. */
  readonly onSlow: (what: string) => void;
  readonly pollMs: number;
}

export interface DeployedStack {
  readonly id: string;
  readonly stackName: string;
  readonly region: string;
}

/** The stacks that an environment has, in the order in which they are deployed. */
export function stacksOf({ region, ledger, site }: Environment, prefix: string): DeployedStack[] {
  return [
    { id: "pipeline", stackName: pipelineStackName(prefix), region },
    ...(ledger === null ? [] : [{ id: "ledger", stackName: ledgerStackName(prefix), region }]),
    { id: "edge", stackName: edgeStackName(prefix), region: EDGE_REGION },
    ...(site === null ? [] : [{ id: "site", stackName: `${prefix}-site`, region }]),
  ];
}

/** The account's ARN of something in the environment's region. */
export function arnOf(
  { identity, named }: DeployedExamination,
  service: string,
  resource: string,
): string {
  const partition = identity.arn.split(":")[1] ?? "aws";
  return `arn:${partition}:${service}:${named.region}:${identity.account}:${resource}`;
}
