import type { Deployment } from "../deployment/deployment.ts";
import { deploymentPrefix } from "../broker/open.ts";
import { attachBroker } from "./held-broker.ts";
import type { AttachOptions } from "./held-broker.ts";

export interface FoundBroker {
  /** Undefined: on AWS. */
  readonly endpointUrl: string | undefined;
  /** Close the clients first. */
  close(): Promise<void>;
}

/**
 * The broker that a command works with: the endpoint that it was given, else AWS's where a deployment is named, else the
 * state folder's, which is started where nobody runs it. Throws as {@link attachBroker} does.
 */
export async function findBroker(
  options: AttachOptions & { readonly deployment?: Deployment | undefined },
): Promise<FoundBroker> {
  const isOnAws =
    options.deployment !== undefined || deploymentPrefix(options.endpointUrl) !== undefined;
  if (!isOnAws) return attachBroker(options);
  return { endpointUrl: undefined, close: async () => {} };
}
