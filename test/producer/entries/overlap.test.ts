import { randomUUID } from "node:crypto";
import { CreateQueueCommand } from "@aws-sdk/client-sqs";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { createAwsClients } from "../../../shared/broker/aws-clients.ts";
import { WAITING_QUEUE } from "../../../shared/broker/broker.ts";
import type { Broker } from "../../../shared/broker/broker.ts";
import { toRecord } from "../../../shared/lambda/sqs-event.ts";
import type { Ledger } from "../../../shared/ledger/ledger.ts";
import { openSqliteLedger } from "../../../shared/ledger/sqlite-ledger.ts";
import { openStateFolder } from "../../../shared/state/state-folder.ts";
import { connect, startEmbedded, temporaryFolder } from "../../shared/broker/embedded.ts";
import { firedAt, runAt, startProducer } from "./fresh-producer.ts";

/** Schedules that fire while the run before has not ended, and plans that are broken, by the real handler. */
let produce: Awaited<ReturnType<typeof startProducer>>;
let ledger: Ledger;
let broker: Broker;
let variables: Record<string, string>;

beforeEach(async () => {
  const { endpointUrl } = await startEmbedded();
  broker = connect(endpointUrl);
  const clients = createAwsClients({ endpointUrl });
  await clients.sqs.send(new CreateQueueCommand({ QueueName: `senpu-${WAITING_QUEUE}` }));
  clients.destroy();
  const state = temporaryFolder();
  ledger = openSqliteLedger(openStateFolder(state).ledgerFile);
  onTestFinished(() => ledger.close());
  variables = { SENPU_STATE: state, SENPU_ENDPOINT_URL: endpointUrl };
  produce = await startProducer(variables);
});

const waitingMessages = async (): Promise<number> => {
  const { visible, delayed } = await broker.depth(WAITING_QUEUE);
  return visible + delayed;
};
const settle = (run: string): Promise<string> =>
  ledger.setState(run, "cancelled", "me", Date.now());

test("skip: a run is left out while the one before has not ended, and the next begins once it has", async () => {
  expect(await produce(firedAt(1, "skip"))).toMatchObject({ state: "published", planned: 3 });
  const warn = vi.spyOn(console, "warn").mockReturnValue(undefined);
  onTestFinished(() => warn.mockRestore());
  expect(await produce(firedAt(2, "skip"))).toEqual({
    run: runAt(2),
    state: "skipped",
    planned: null,
  });
  expect(warn).toHaveBeenCalledWith(
    `run ${runAt(2)} is skipped: run ${runAt(1)} of schedule nightly has not ended`,
  );
  expect(await ledger.findRun(runAt(2))).toBeUndefined();
  await settle(runAt(1));
  expect(await produce(firedAt(3, "skip"))).toMatchObject({ state: "published" });
});

test("skip: the same event again is the same run, and not in its own way", async () => {
  await produce(firedAt(1, "skip"));
  expect(await produce(firedAt(1, "skip"))).toMatchObject({ state: "published before" });
});

test("skip: a run that its dead producer never published whole holds up no other", async () => {
  const longAgo = Date.now() - 3_600_000;
  await ledger.createRun({
    id: "dead",
    name: "nightly",
    parent: null,
    createdAt: longAgo,
    source: "{}",
    settings: "{}",
    tolerance: null,
  });
  expect(await produce(firedAt(1, "skip"))).toMatchObject({ state: "published" });
});

test("queue: a run waits in a queue until the one before has ended, and then begins", async () => {
  await produce(firedAt(1, "queue"));
  expect(await produce(firedAt(2, "queue"))).toMatchObject({ state: "waiting" });
  expect(await waitingMessages()).toBe(1);
  const delivery = {
    receipt: "r",
    body: JSON.stringify(firedAt(2, "queue")),
    attributes: {},
    receiveCount: 1,
    sentAt: Date.now(),
  };
  const from = { messageId: randomUUID(), queue: "senpu-waiting", receivedAt: Date.now() };
  const again = { Records: [toRecord(delivery, from)] };
  expect(await produce(again)).toMatchObject({ run: runAt(2), state: "waiting" });
  expect(await waitingMessages()).toBe(2);
  await settle(runAt(1));
  expect(await produce(again)).toMatchObject({ run: runAt(2), state: "published", planned: 3 });
  // The copy that waits still finds it begun.
  expect(await produce(again)).toMatchObject({ state: "published before" });
});

test("queue: of two that are let go at the same moment, one begins and the other goes on waiting", async () => {
  const other = await startProducer(variables);
  const states = await Promise.all([produce(firedAt(1, "queue")), other(firedAt(2, "queue"))]);
  expect(states.map(({ state }) => state).sort((a, b) => (a < b ? -1 : 1))).toEqual([
    "published",
    "waiting",
  ]);
});

test("allow: a run begins whatever the one before does", async () => {
  await produce(firedAt(1, "allow"));
  expect(await produce(firedAt(2, "allow"))).toMatchObject({ state: "published" });
});

test("a schedule's plan that is broken is a cancelled run with the reason, fails once, and is not tried for ever", async () => {
  const event = { ...firedAt(1, "skip"), plan: { calls: 7 } };
  await expect(produce(event)).rejects.toMatchObject({ code: "plan" });
  expect(await ledger.findRun(runAt(1))).toMatchObject({ state: "cancelled", name: "nightly" });
  const [, cancelled] = await ledger.events(runAt(1));
  expect(cancelled).toMatchObject({
    what: "cancelled",
    by: expect.stringMatching(/^producer function: .*calls/s) as string,
  });
  expect((await ledger.outbox()).map(({ id }) => id)).toEqual([`${runAt(1)}/cancelled`]);
  expect(await produce(event)).toMatchObject({ run: runAt(1), state: "cancelled" });
  expect(await produce(firedAt(2, "skip"))).toMatchObject({ state: "published" });
});

test("a schedule's plan that is missing is recorded, and one that S3 does not hand out now is not", async () => {
  const missing = { ...firedAt(1, "skip"), plan: "gone.yaml" };
  await expect(produce(missing)).rejects.toThrow(/gone\.yaml/);
  expect(await ledger.findRun(runAt(1))).toMatchObject({ state: "cancelled" });
  vi.stubEnv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1");
  const away = { ...firedAt(2, "skip"), plan: "s3://plans/nightly.yaml" };
  await expect(produce(away)).rejects.toMatchObject({ code: "plan" });
  expect(await ledger.findRun(runAt(2))).toBeUndefined();
});
