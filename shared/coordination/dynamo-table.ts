import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
} from "@aws-sdk/client-dynamodb";
import type { AttributeValue, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { DynamoPatience } from "./dynamo-patience.ts";

export interface Key {
  readonly pk: string;
  readonly sk: string;
}
export type Item = Record<string, AttributeValue>;

export interface Condition {
  readonly expression: string;
  readonly values?: Item;
}

/** Keys in one BatchGetItem. Source: DynamoDB API reference. */
const MAX_GETS = 100;
/** Requests in one BatchWriteItem. Source: DynamoDB API reference. */
const MAX_WRITES = 25;

/** The requests that coordination makes of its one table: repeated while they may pass, their pages put together. */
export class DynamoTable {
  readonly #client: DynamoDBClient;
  readonly #patience: DynamoPatience;
  readonly #table: string;

  constructor(client: DynamoDBClient, patience: DynamoPatience, table: string) {
    this.#client = client;
    this.#patience = patience;
    this.#table = table;
  }

  async get(what: string, key: Key): Promise<Item | undefined> {
    const command = new GetItemCommand({
      TableName: this.#table,
      Key: attributesOf(key),
      ConsistentRead: true,
    });
    const { Item } = await this.#patience.run(what, () => this.#client.send(command));
    return Item;
  }

  /** In no order; missing ones are left out. What DynamoDB leaves over for want of capacity is asked for again. */
  async getMany(what: string, keys: readonly Key[]): Promise<Item[]> {
    const items: Item[] = [];
    for (const batch of inBatches(keys, MAX_GETS)) {
      const startedAt = performance.now();
      let asked: Item[] = batch.map(attributesOf);
      for (let rounds = 0; asked.length > 0; rounds++) {
        const command = new BatchGetItemCommand({
          RequestItems: { [this.#table]: { Keys: asked, ConsistentRead: true } },
        });
        const answer = await this.#patience.run(what, () => this.#client.send(command));
        items.push(...(answer.Responses?.[this.#table] ?? []));
        asked = answer.UnprocessedKeys?.[this.#table]?.Keys ?? [];
        if (asked.length > 0) await this.#patience.pause(what, rounds, startedAt, LEFT_OVER);
      }
    }
    return items;
  }

  /** All items of a partition. */
  async query(what: string, pk: string): Promise<Item[]> {
    const items: Item[] = [];
    let from: Item | undefined;
    do {
      const command = new QueryCommand({
        TableName: this.#table,
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": { S: pk } },
        ConsistentRead: true,
        ...(from && { ExclusiveStartKey: from }),
      });
      const page = await this.#patience.run(what, () => this.#client.send(command));
      items.push(...(page.Items ?? []));
      from = page.LastEvaluatedKey;
    } while (from !== undefined);
    return items;
  }

  /** Every item of the table, a page at a time. */
  async *scan(what: string): AsyncGenerator<Item[]> {
    let from: Item | undefined;
    do {
      const command = new ScanCommand({
        TableName: this.#table,
        ...(from && { ExclusiveStartKey: from }),
      });
      const page = await this.#patience.run(what, () => this.#client.send(command));
      yield page.Items ?? [];
      from = page.LastEvaluatedKey;
    } while (from !== undefined);
  }

  /** Throws what {@link isConditionFailed} knows when the condition does not hold, with the item where DynamoDB gives it. */
  async put(what: string, key: Key, item: Item, condition?: Condition): Promise<void> {
    const command = new PutItemCommand({
      TableName: this.#table,
      Item: { ...item, ...attributesOf(key) },
      ...conditionOf(condition),
    });
    await this.#patience.run(what, () => this.#client.send(command), isConditionFailed);
  }

  /** False: the condition does not hold. Without one, it always does. */
  async removeIf(what: string, key: Key, condition?: Condition): Promise<boolean> {
    const command = new DeleteItemCommand({
      TableName: this.#table,
      Key: attributesOf(key),
      ...conditionOf(condition),
    });
    try {
      await this.#patience.run(what, () => this.#client.send(command), isConditionFailed);
      return true;
    } catch (error) {
      if (isConditionFailed(error)) return false;
      throw error;
    }
  }

  /** `keys`: none of them twice. */
  async removeMany(what: string, keys: readonly Key[]): Promise<void> {
    for (const batch of inBatches(keys, MAX_WRITES)) {
      const startedAt = performance.now();
      let asked = batch.map((key) => ({ DeleteRequest: { Key: attributesOf(key) } }));
      for (let rounds = 0; asked.length > 0; rounds++) {
        const command = new BatchWriteItemCommand({ RequestItems: { [this.#table]: asked } });
        const answer = await this.#patience.run(what, () => this.#client.send(command));
        asked = (answer.UnprocessedItems?.[this.#table] ?? []) as typeof asked;
        if (asked.length > 0) await this.#patience.pause(what, rounds, startedAt, LEFT_OVER);
      }
    }
  }
}

const LEFT_OVER = "some of it is left over for want of capacity";

export function isConditionFailed(error: unknown): error is Error & { readonly Item?: Item } {
  return error instanceof Error && error.name === "ConditionalCheckFailedException";
}

export function keyOf(item: Item): Key {
  return { pk: textOf(item, "pk"), sk: textOf(item, "sk") };
}

/** A text attribute; empty where there is none. */
export function textOf(item: Item, name: string): string {
  return item[name]?.S ?? "";
}

export function numberOf(item: Item, name: string): number {
  return Number(item[name]?.N);
}

function attributesOf({ pk, sk }: Key): Item {
  return { pk: { S: pk }, sk: { S: sk } };
}

function conditionOf(condition: Condition | undefined): object {
  if (condition === undefined) return {};
  return {
    ConditionExpression: condition.expression,
    ...(condition.values && { ExpressionAttributeValues: condition.values }),
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  };
}

function* inBatches<T>(all: readonly T[], size: number): Generator<T[]> {
  for (let start = 0; start < all.length; start += size) yield all.slice(start, start + size);
}
