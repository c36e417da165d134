import { DeleteItemCommand, PutItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import type { AttributeValue, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { AddressFamily } from "./names.ts";
import type { Network } from "./network.ts";

/** Who registered what, when, and until when it counts. Times are epoch milliseconds. */
export interface Registration {
  readonly network: Network;
  /** ARN. */
  readonly who: string;
  readonly since: number;
  readonly until: number;
}

/** The table's attributes: a partition a family, an item for each network and person, forgotten by time-to-live. */
export const REGISTRATIONS_TABLE = {
  partitionKey: "family",
  sortKey: "entry",
  timeToLiveAttribute: "until",
} as const;

/**
 * The truth about registered addresses; the sets of AWS WAF follow from it. Two people behind one address have an item
 * each: when one leaves, the other stays.
 */
export class Registrations {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  /** Again: the same item, with a later end. */
  async put({ network, who, since, until }: Registration): Promise<void> {
    await this.#client.send(
      new PutItemCommand({
        TableName: this.#table,
        Item: {
          ...keyOf(network, who),
          network: { S: network.cidr },
          who: { S: who },
          since: { N: String(seconds(since)) },
          until: { N: String(seconds(until)) },
        },
      }),
    );
  }

  async remove(network: Network, who: string): Promise<void> {
    await this.#client.send(
      new DeleteItemCommand({ TableName: this.#table, Key: keyOf(network, who) }),
    );
  }

  /**
   * The networks that count at `now`, each once, those that count the longest first. Time-to-live removes an item up to
   * days after its end, so that the end is looked at here.
   */
  async networks(family: AddressFamily, now: number): Promise<string[]> {
    const untils = new Map<string, number>();
    let from: Record<string, AttributeValue> | undefined;
    do {
      const page = await this.#client.send(
        new QueryCommand({
          TableName: this.#table,
          KeyConditionExpression: "#family = :family",
          ExpressionAttributeNames: { "#family": REGISTRATIONS_TABLE.partitionKey },
          ExpressionAttributeValues: { ":family": { S: family } },
          ConsistentRead: true,
          ...(from && { ExclusiveStartKey: from }),
        }),
      );
      for (const { network, until } of page.Items ?? []) {
        const cidr = network?.S;
        const end = Number(until?.N) * 1_000;
        if (cidr !== undefined && end > now) untils.set(cidr, Math.max(end, untils.get(cidr) ?? 0));
      }
      from = page.LastEvaluatedKey;
    } while (from !== undefined);
    return [...untils].sort(([, a], [, b]) => b - a).map(([cidr]) => cidr);
  }
}

function keyOf({ family, cidr }: Network, who: string): Record<string, AttributeValue> {
  return {
    [REGISTRATIONS_TABLE.partitionKey]: { S: family },
    [REGISTRATIONS_TABLE.sortKey]: { S: `${cidr} ${who}` },
  };
}

function seconds(ms: number): number {
  return Math.floor(ms / 1_000);
}
