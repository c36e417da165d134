import {
  CreateTableCommand,
  DescribeTableCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * The one table of coordination, for whoever makes it: here for an endpoint that is not AWS's, there by infrastructure.
 *
 * Partition and sort key are strings. All that would stay behind carries `expiresAt` (epoch seconds), long after it is
 * of no use any more; what is right does not rest on it, as DynamoDB deletes days late, and others not at all.
 */
export const COORDINATION_TABLE = {
  partitionKey: "pk",
  sortKey: "sk",
  timeToLiveAttribute: "expiresAt",
  /** On demand: load comes with runs, and between them it costs nothing. */
  billingMode: "PAY_PER_REQUEST",
} as const;

const ACTIVE_POLL_MS = 50;
const ACTIVE_WITHIN_MS = 30_000;

/** Makes the table, unless it is there, and waits until it can be used. */
export async function makeCoordinationTable(client: DynamoDBClient, table: string): Promise<void> {
  const { partitionKey, sortKey, billingMode } = COORDINATION_TABLE;
  try {
    await client.send(
      new CreateTableCommand({
        TableName: table,
        KeySchema: [
          { AttributeName: partitionKey, KeyType: "HASH" },
          { AttributeName: sortKey, KeyType: "RANGE" },
        ],
        AttributeDefinitions: [
          { AttributeName: partitionKey, AttributeType: "S" },
          { AttributeName: sortKey, AttributeType: "S" },
        ],
        BillingMode: billingMode,
      }),
    );
  } catch (error) {
    // Another process is making it, or has.
    if ((error as Error).name !== "ResourceInUseException") throw error;
  }
  await untilActive(client, table);
  await expireItems(client, table);
}

async function untilActive(client: DynamoDBClient, table: string): Promise<void> {
  for (const giveUpAt = Date.now() + ACTIVE_WITHIN_MS; ; await sleep(ACTIVE_POLL_MS)) {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
    if (Table?.TableStatus === "ACTIVE") return;
    if (Date.now() > giveUpAt) throw new Error(`it is still ${Table?.TableStatus ?? "unknown"}`);
  }
}

/** Not every endpoint knows of it, or takes it twice; only disk space rests on it. */
async function expireItems(client: DynamoDBClient, table: string): Promise<void> {
  const AttributeName = COORDINATION_TABLE.timeToLiveAttribute;
  await client
    .send(
      new UpdateTimeToLiveCommand({
        TableName: table,
        TimeToLiveSpecification: { AttributeName, Enabled: true },
      }),
    )
    .catch(() => {});
}
