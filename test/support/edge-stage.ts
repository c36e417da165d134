import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll } from "vitest";
import { addressSetName } from "../../infra/edge/names.ts";
import { REGISTRATIONS_TABLE } from "../../infra/edge/registrations.ts";
import { startDynamoStore } from "./dynamo-store.ts";
import type { DynamoStore } from "./dynamo-store.ts";
import { startFakeWaf } from "./fake-waf.ts";
import type { FakeWaf } from "./fake-waf.ts";

/** A name for each, so that tests share the servers and nothing else. */
export interface EdgeParts {
  readonly table: string;
  /** As `Ref` gives them. */
  readonly ipv4Set: string;
  readonly ipv6Set: string;
  /** What is in the sets. */
  addresses(): { readonly ipv4: readonly string[]; readonly ipv6: readonly string[] };
}

export interface EdgeStage {
  readonly waf: FakeWaf;
  readonly dynamo: DynamoDBClient;
  /** For a process or an SDK client: where the two are, and how to sign. */
  readonly variables: Readonly<Record<string, string>>;
  makeParts(): Promise<EdgeParts>;
}

/** To be called at the top of a test file: AWS WAF and DynamoDB as the registration of addresses meets them. */
export function useEdgeStage(): EdgeStage {
  let waf: FakeWaf;
  let store: DynamoStore;
  let dynamo: DynamoDBClient;
  let made = 0;
  const credentials = { accessKeyId: "senpu", secretAccessKey: "senpu" };
  beforeAll(async () => {
    waf = await startFakeWaf();
    store = await startDynamoStore();
    dynamo = new DynamoDBClient({ endpoint: store.url, region: "us-east-1", credentials });
  });
  afterAll(async () => {
    dynamo.destroy();
    await store.close();
    await waf.close();
  });
  return {
    get waf() {
      return waf;
    },
    get dynamo() {
      return dynamo;
    },
    get variables() {
      return {
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
        AWS_ENDPOINT_URL_WAFV2: waf.url,
        AWS_ENDPOINT_URL_DYNAMODB: store.url,
      };
    },
    makeParts: async () => {
      const prefix = `t${++made}`;
      const { partitionKey, sortKey } = REGISTRATIONS_TABLE;
      await dynamo.send(
        new CreateTableCommand({
          TableName: `${prefix}-registrations`,
          AttributeDefinitions: [partitionKey, sortKey].map((AttributeName) => ({
            AttributeName,
            AttributeType: "S",
          })),
          KeySchema: [
            { AttributeName: partitionKey, KeyType: "HASH" },
            { AttributeName: sortKey, KeyType: "RANGE" },
          ],
          BillingMode: "PAY_PER_REQUEST",
        }),
      );
      const [ipv4, ipv6] = (["ipv4", "ipv6"] as const).map((family) =>
        addressSetName(prefix, "registered", family),
      ) as [string, string];
      return {
        table: `${prefix}-registrations`,
        ipv4Set: waf.addIpSet(ipv4, "IPV4"),
        ipv6Set: waf.addIpSet(ipv6, "IPV6"),
        addresses: () => ({ ipv4: waf.addresses(ipv4), ipv6: waf.addresses(ipv6) }),
      };
    },
  };
}
