import { DescribeTableCommand, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { expect, onTestFinished, test } from "vitest";
import { createDynamoClient } from "../../../shared/coordination/dynamo-client.ts";
import { isOwn } from "../../../shared/own-endpoint.ts";
import { StoreClock } from "../../../shared/coordination/dynamo-clock.ts";
import { openDynamoCoordination } from "../../../shared/coordination/dynamo-coordination.ts";
import {
  COORDINATION_TABLE,
  makeCoordinationTable,
} from "../../../shared/coordination/dynamo-schema.ts";
import { startDynamoStore } from "../../support/dynamo-store.ts";

async function connect() {
  const store = await startDynamoStore();
  onTestFinished(() => store.close());
  const clock = new StoreClock();
  const client = createDynamoClient({ endpointUrl: store.url }, clock);
  onTestFinished(() => client.destroy());
  return { store, client, clock };
}

test("the table is made as it is declared, once, by however many at once", async () => {
  const { client } = await connect();
  await Promise.all([1, 2, 3].map(() => makeCoordinationTable(client, "senpu")));
  const { Table } = await client.send(new DescribeTableCommand({ TableName: "senpu" }));
  expect(Table).toMatchObject({
    KeySchema: [
      { AttributeName: COORDINATION_TABLE.partitionKey, KeyType: "HASH" },
      { AttributeName: COORDINATION_TABLE.sortKey, KeyType: "RANGE" },
    ],
    BillingModeSummary: { BillingMode: COORDINATION_TABLE.billingMode },
  });
});

test("what would stay behind says when it may go, in epoch seconds", async () => {
  const { store, client } = await connect();
  const coordination = await openDynamoCoordination({ table: "senpu", endpointUrl: store.url });
  onTestFinished(() => coordination.close());
  const now = Date.now();
  await coordination.setControl("r", { generation: 1, state: "running" });
  await coordination.claimLanes("r", [{ lane: "crm", concurrency: 1 }]);
  await coordination.writeCheckpoint("r/1/k", { done: [], attempts: {} }, now);
  await coordination.reserve("crm", { count: 1, perMs: 1000 }, 1, now);
  const lease = { lane: "crm", worker: "a", wanted: 1, held: 0, limit: 1, ttlMs: 1000, now };
  await coordination.lease(lease);
  const days = async (pk: string, sk: string): Promise<number> => {
    const { Item } = await client.send(
      new GetItemCommand({ TableName: "senpu", Key: { pk: { S: pk }, sk: { S: sk } } }),
    );
    const expiresAt = Number(Item?.[COORDINATION_TABLE.timeToLiveAttribute]?.N);
    return Math.round((expiresAt - now / 1000) / 86_400);
  };
  expect([
    await days("control r", "control"),
    await days("claims", "r"),
    await days("checkpoints r", "r/1/k"),
    await days("starts crm", "starts"),
    await days("leases crm", "leases"),
  ]).toEqual([60, 60, 15, 1, 1]);
});

test("an answer that is an error tells the store's time like any other", async () => {
  const { client, clock } = await connect();
  expect(clock.uncertaintyMs).toBe(Infinity);
  const look = new DescribeTableCommand({ TableName: "none" });
  await expect(client.send(look)).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  expect(clock.uncertaintyMs).toBeGreaterThanOrEqual(1000);
  expect(clock.uncertaintyMs).toBeLessThan(Infinity);
});

test.each([
  ["https://dynamodb.eu-west-1.amazonaws.com", false],
  ["https://dynamodb.eu-west-1.api.aws", false],
  ["https://vpce-1.dynamodb.eu-west-1.vpce.amazonaws.com/", false],
  ["http://127.0.0.1:8000", true],
  ["http://amazonaws.com.example.com", true],
  ["nonsense", true],
])("%s is an endpoint of one's own: %s", (url, expected) => {
  expect(isOwn(url)).toBe(expected);
});
