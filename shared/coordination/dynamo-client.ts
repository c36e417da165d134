import { Agent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { isOwn, ownEndpointSettings } from "../own-endpoint.ts";
import type { StoreClock } from "./dynamo-clock.ts";

export interface DynamoClientOptions {
  /** A DynamoDB-compatible endpoint; absent: what the SDK finds, which is AWS unless its own settings say otherwise. */
  readonly endpointUrl?: string | undefined;
  /** Default: `us-east-1` with an endpoint that is not AWS's, so that all who use it see the same tables; else what the SDK finds. */
  readonly region?: string | undefined;
}

/** Every lane of a worker leases, reserves and reads at once. */
const MAX_SOCKETS = 128;
const CONNECTION_TIMEOUT_MS = 2_000;
/** DynamoDB answers within some ten milliseconds; past this, the answer is lost. */
const REQUEST_TIMEOUT_MS = 3_000;

/** A client that tries once ({@link DynamoPatience} repeats) and tells `clock` of each answer's `Date`. */
export function createDynamoClient(
  { endpointUrl, region }: DynamoClientOptions,
  clock: StoreClock,
): DynamoDBClient {
  const client = new DynamoDBClient({
    maxAttempts: 1,
    requestHandler: {
      httpAgent: new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
      httpsAgent: new HttpsAgent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
    ...(endpointUrl !== undefined && { endpoint: endpointUrl }),
    ...(isOwn(endpointUrl) && ownEndpointSettings()),
    ...(region !== undefined && { region }),
  });
  noteDates(client, clock);
  return client;
}

/** Next to the wire (`low`), so that answers that are errors count too, and a retry is timed by itself. */
function noteDates(client: DynamoDBClient, clock: StoreClock): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const sentAt = clock.localNow();
      const result = await next(args);
      const { headers } = result.response as { headers?: Record<string, string> };
      clock.note(Date.parse(headers?.["date"] ?? ""), sentAt, clock.localNow());
      return result;
    },
    { step: "deserialize", priority: "low", name: "senpuStoreClock" },
  );
}
