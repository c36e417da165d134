import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { WAFV2Client } from "@aws-sdk/client-wafv2";
import { EDGE_REGION } from "./names.ts";

export interface EdgeClients {
  readonly waf: WAFV2Client;
  readonly cloudFormation: CloudFormationClient;
  destroy(): void;
}

const CONNECTION_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 15_000;

/** AWS's endpoints in the edge's region, or those that `AWS_ENDPOINT_URL` and its kin name. */
export function createEdgeClients(): EdgeClients {
  const settings = {
    region: EDGE_REGION,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
  };
  const waf = new WAFV2Client(settings);
  const cloudFormation = new CloudFormationClient(settings);
  return {
    waf,
    cloudFormation,
    destroy() {
      waf.destroy();
      cloudFormation.destroy();
    },
  };
}
