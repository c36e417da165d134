import { environmentVariable } from "../environment.ts";
import type { Deployment } from "../deployment/deployment.ts";
import { isOwn } from "../own-endpoint.ts";
import { createBroker } from "./aws-broker.ts";
import type { Broker } from "./broker.ts";
import { DEFAULT_PREFIX } from "./topology.ts";

/** Names a deployment: what its topics and queues begin with, before a hyphen. */
const PREFIX_VARIABLE = "SENPU_PREFIX";

/**
 * The prefix of the deployment on AWS that a command works in; undefined: it works on this machine, or at its endpoint.
 * A command is on AWS where `SENPU_PREFIX` is set and it was given no endpoint.
 */
export function deploymentPrefix(endpointUrl: string | undefined): string | undefined {
  return endpointUrl === undefined ? environmentVariable(PREFIX_VARIABLE) || undefined : undefined;
}

/**
 * At an endpoint, or on AWS without one; with the topics and queues that `SENPU_PREFIX` names, else those of `senpu`. Of a
 * deployment that was found by its environment's name: its own, in its region.
 */
export function openBroker(
  endpointUrl: string | undefined,
  deployment?: Pick<Deployment, "prefix" | "region" | "lanes">,
): Broker {
  if (deployment !== undefined) {
    const { prefix, region } = deployment;
    const lanes = deployment.lanes.map(({ name }) => name);
    return createBroker({ prefix, region, lanes, ...(resemblesAws() && { releaseSeconds: 1 }) });
  }
  return createBroker({
    prefix: environmentVariable(PREFIX_VARIABLE) || DEFAULT_PREFIX,
    ...(endpointUrl !== undefined && { endpointUrl }),
  });
}

/** Do the SDK's own variables name another endpoint than AWS's? */
function resemblesAws(): boolean {
  const url =
    environmentVariable("AWS_ENDPOINT_URL_SQS") ?? environmentVariable("AWS_ENDPOINT_URL");
  return isOwn(url || undefined);
}
