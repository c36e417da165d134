import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { GetQueueUrlCommand } from "@aws-sdk/client-sqs";
import { expect, onTestFinished, test } from "vitest";
import { createAwsClients } from "../../../shared/broker/aws-clients.ts";
import { LEDGER_QUEUE, laneQueue } from "../../../shared/broker/broker.ts";
import { handBackReceives } from "../../../shared/broker/fauxqs-data.ts";
import {
  connect,
  countCommits,
  otherAddress,
  pollAndDie,
  startEmbedded,
  temporaryFolder,
} from "./embedded.ts";

const ONE = { maxMessages: 1, waitSeconds: 0 };

/** A program of somebody else's on a port. */
async function occupyPort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test("it answers on the loopback address only", async ({ skip }) => {
  const { endpointUrl, port } = await startEmbedded();
  expect((await fetch(`${endpointUrl}/health`)).status).toBe(200);
  const address = otherAddress();
  if (!address) skip("this machine has no other address");
  await expect(fetch(`http://${address}:${port}/health`)).rejects.toThrow();
});

test("messages are still there when it is started again, on the same port", async () => {
  const dataDir = temporaryFolder();
  const first = await startEmbedded({ dataDir });
  const broker = connect(first.endpointUrl);
  await broker.ensure(["crm"]);
  await broker.publish("calls", [{ body: "kept 🎐", attributes: { lane: "crm" } }]);
  await broker.send(laneQueue("crm"), [{ body: "later", delaySeconds: 900 }]);
  await first.stop();
  const second = await startEmbedded({ dataDir });
  expect(second.endpointUrl).toBe(first.endpointUrl);
  expect(await broker.depth(laneQueue("crm"))).toEqual({ visible: 1, notVisible: 0, delayed: 1 });
  expect((await broker.receive(laneQueue("crm"), ONE))[0]?.body).toBe("kept 🎐");
});

test("requests wait while it is away", async () => {
  const dataDir = temporaryFolder();
  const first = await startEmbedded({ dataDir });
  const broker = connect(first.endpointUrl);
  await broker.ensure(["crm"]);
  const polled = broker.receive(laneQueue("crm"), { maxMessages: 1, waitSeconds: 20 });
  await first.stop();
  const published = broker.publish("calls", [{ body: "x", attributes: { lane: "crm" } }]);
  await startEmbedded({ dataDir });
  await published;
  expect((await polled)[0]?.body).toBe("x");
});

test("another port is taken when somebody has the one used last", async () => {
  const dataDir = temporaryFolder();
  const port = await occupyPort();
  writeFileSync(join(dataDir, "port"), `${port}\n`);
  const embedded = await startEmbedded({ dataDir });
  expect(embedded.port).not.toBe(port);
  expect(readFileSync(join(dataDir, "port"), "utf8")).toBe(`${embedded.port}\n`);
});

test("a port that was asked for and is taken is an error that names it", async () => {
  const port = await occupyPort();
  await expect(startEmbedded({ port })).rejects.toThrow(`port ${port} is taken by another program`);
});

test("data that cannot be read is an error, and no thread is left", async () => {
  const dataDir = temporaryFolder();
  writeFileSync(
    join(dataDir, "fauxqs.db"),
    "this is no database, and long enough to look like one".repeat(20),
  );
  await expect(startEmbedded({ dataDir })).rejects.toThrow(/did not start: .*not a database/);
});

test("a long poll whose client died takes no message", async () => {
  const { endpointUrl } = await startEmbedded();
  const broker = connect(endpointUrl);
  await broker.ensure(["crm"]);
  const clients = createAwsClients({ endpointUrl });
  onTestFinished(() => clients.destroy());
  const { QueueUrl } = await clients.sqs.send(
    new GetQueueUrlCommand({ QueueName: "senpu-lane-crm" }),
  );
  await pollAndDie(endpointUrl, QueueUrl!);
  await broker.send(laneQueue("crm"), [{ body: "x" }]);
  expect(await broker.depth(laneQueue("crm"))).toEqual({ visible: 1, notVisible: 0, delayed: 0 });
});

test("a publish of ten messages to two queues is one commit", async () => {
  const dataDir = temporaryFolder();
  const { endpointUrl } = await startEmbedded({ dataDir });
  const broker = connect(endpointUrl);
  await broker.ensure(["crm"]);
  const before = countCommits(dataDir);
  await broker.publish(
    "calls",
    Array.from({ length: 10 }, () => ({ body: "x", attributes: { lane: "crm" } })),
  );
  expect(countCommits(dataDir) - before).toBe(1);
  expect(await broker.depth(LEDGER_QUEUE)).toMatchObject({ visible: 10 });
});

test("receives of the named queues are handed back at the start, others are not", async () => {
  const dataDir = temporaryFolder();
  const handBack = [`senpu-${LEDGER_QUEUE}`];
  const first = await startEmbedded({ dataDir, handBack });
  const broker = connect(first.endpointUrl);
  await broker.ensure(["crm"]);
  await broker.publish("calls", [{ body: "x", attributes: { lane: "crm" } }]);
  for (const queue of [LEDGER_QUEUE, laneQueue("crm")]) {
    expect(await broker.receive(queue, { ...ONE, visibilitySeconds: 600 })).toHaveLength(1);
  }
  await first.stop();
  await startEmbedded({ dataDir, handBack });
  expect(await broker.receive(LEDGER_QUEUE, ONE)).toMatchObject([{ body: "x", receiveCount: 2 }]);
  expect(await broker.receive(laneQueue("crm"), ONE)).toEqual([]);
});

test("a database of another layout is left alone", () => {
  const dataDir = temporaryFolder();
  const database = new DatabaseSync(join(dataDir, "fauxqs.db"));
  database.exec(
    "CREATE TABLE sqs_messages (queue_name TEXT, receipt TEXT); INSERT INTO sqs_messages VALUES ('q', 'r')",
  );
  expect(handBackReceives(dataDir, ["q"])).toBe(0);
  expect(database.prepare("SELECT receipt FROM sqs_messages").get()).toEqual({ receipt: "r" });
  database.close();
});
