import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SenpuError } from "../errors.ts";
import { isOwn } from "../own-endpoint.ts";
import type { DynamoPatience } from "./dynamo-patience.ts";
import { makeCoordinationTable } from "./dynamo-schema.ts";

export interface TableToFind {
  readonly table: string;
  readonly endpointUrl?: string | undefined;
}

/**
 * One cheap read (half a unit), by which the table is known to be there and the store's clock begins to be known.
 * A table that is missing is made where the endpoint is not AWS's; else throws SenpuError `coordination`.
 */
export async function findTable(
  client: DynamoDBClient,
  patience: DynamoPatience,
  { table, endpointUrl }: TableToFind,
): Promise<void> {
  const look = new GetItemCommand({
    TableName: table,
    Key: { pk: { S: "opening" }, sk: { S: "opening" } },
  });
  try {
    await patience.run("opening", () => client.send(look), isMissing);
  } catch (error) {
    if (!isMissing(error)) throw error;
    if (!isOwn(endpointUrl)) {
      throw new SenpuError(
        "coordination",
        `DynamoDB table ${table} does not exist in region ${await client.config.region()}: make it, or correct SENPU_COORDINATION_TABLE or the region`,
        { cause: error },
      );
    }
    await patience.run("making the table", () => makeCoordinationTable(client, table));
    await patience.run("opening", () => client.send(look));
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && error.name === "ResourceNotFoundException";
}
