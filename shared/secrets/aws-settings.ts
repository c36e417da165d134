import { environmentVariable } from "../environment.ts";
import { ownEndpointSettings } from "../own-endpoint.ts";

const CONNECTION_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 5_000;

/** Of clients that read secrets: AWS's endpoint, or the one that the SDK's own variables name. */
export function awsSettings(service: "SSM" | "SECRETS_MANAGER"): object {
  const endpoint =
    environmentVariable(`AWS_ENDPOINT_URL_${service}`) ?? environmentVariable("AWS_ENDPOINT_URL");
  const region = environmentVariable("AWS_REGION");
  return {
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
    ...(endpoint !== undefined && { endpoint, ...ownEndpointSettings() }),
    ...(region !== undefined && { region }),
  };
}
