import { Agent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import { SQS_MAX_WAIT_SECONDS } from "../limits.ts";
import { ownEndpointSettings } from "../own-endpoint.ts";

export interface AwsClients {
  readonly sns: SNSClient;
  readonly sqs: SQSClient;
  destroy(): void;
}

export interface AwsClientOptions {
  /** An SNS/SQS-compatible endpoint; absent: AWS. */
  readonly endpointUrl?: string | undefined;
  /** Default: `us-east-1` with an endpoint, else what the SDK finds. */
  readonly region?: string | undefined;
}

/** A long poll a queue stays open for each of three queues a lane, and publishing must not wait for them. */
const MAX_SOCKETS = 512;
const CONNECTION_TIMEOUT_MS = 5_000;
/** Past the longest long poll, an endpoint that has not answered hangs. */
const REQUEST_TIMEOUT_MS = (SQS_MAX_WAIT_SECONDS + 10) * 1_000;

/**
 * SNS and SQS clients over one pool of kept-alive connections. They try once: {@link Patience} repeats.
 *
 * With an endpoint the region does not come from the environment: the embedded broker keeps topics by region, and two
 * terminals with different settings must see the same ones. Credentials do, in case the endpoint checks them.
 */
export function createAwsClients({ endpointUrl, region }: AwsClientOptions): AwsClients {
  const shared = {
    maxAttempts: 1,
    requestHandler: {
      httpAgent: new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
      httpsAgent: new HttpsAgent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
    ...(endpointUrl !== undefined && { endpoint: endpointUrl, ...ownEndpointSettings() }),
    ...(region !== undefined && { region }),
  };
  const sqs = new SQSClient({
    ...shared,
    // A queue's URL names a host of its own: the embedded broker's port from when the queue was made, and on AWS one
    // without IPv6, where the endpoint may be the dual-stack one.
    useQueueUrlAsEndpoint: false,
  });
  const sns = new SNSClient({ ...shared, requestHandler: sqs.config.requestHandler });
  return {
    sns,
    sqs,
    destroy() {
      sns.destroy();
      sqs.destroy();
    },
  };
}
