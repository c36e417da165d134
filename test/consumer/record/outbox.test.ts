import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { expect, onTestFinished, test } from "vitest";
import { Outbox } from "../../../consumer/record/outbox.ts";
import type { OutboxParts } from "../../../consumer/record/outbox.ts";
import { createBroker } from "../../../shared/broker/aws-broker.ts";
import { LEDGER_QUEUE } from "../../../shared/broker/broker.ts";
import type { Broker, Outgoing } from "../../../shared/broker/broker.ts";
import { createMemoryCoordination } from "../../../shared/coordination/memory-coordination.ts";
import { SenpuError } from "../../../shared/errors.ts";
import type { Ledger } from "../../../shared/ledger/ledger.ts";
import type { OnSettled } from "../../../shared/model/on-settled.ts";
import type { SettledEvent } from "../../../shared/model/settled-event.ts";
import { newRun } from "../../conformance/ledger-records.ts";
import { startEmbedded, temporaryFolder } from "../../shared/broker/embedded.ts";
import { figuresSchema } from "../../support/figures-schema.ts";
import { startMisbehavingServer } from "../../support/misbehaving-server.ts";
import type { MisbehavingServer } from "../../support/misbehaving-server.ts";
import { closedMessage } from "./messages.ts";
import {
  countMessages,
  openLedger,
  publish,
  recordedUntil,
  startTested,
  useStores,
  withMethods,
} from "./record-setup.ts";

const makeStores = useStores();

interface Bench {
  readonly ledger: Ledger;
  readonly parts: OutboxParts;
  readonly published: Outgoing[];
  readonly said: string[];
  readonly state: string;
  /** A run that has just settled, with this to be done. */
  settle(id: string, onSettled?: OnSettled): Promise<void>;
}

/** Everything but the broker is real here; what it is given is looked at. */
function setUp(more: Partial<Broker> = {}): Bench {
  const state = temporaryFolder();
  const ledger = openLedger(join(state, "ledger.db"));
  const published: Outgoing[] = [];
  const said: string[] = [];
  const broker = {
    publish: async (_topic: string, entries: readonly Outgoing[]) =>
      void published.push(...entries),
    ...more,
  } as Broker;
  return {
    ledger,
    published,
    said,
    state,
    parts: {
      broker,
      ledger,
      coordination: createMemoryCoordination(),
      state,
      say: (line) => void said.push(line),
    },
    settle: async (id, onSettled) => {
      const settings = JSON.stringify({ onSettled });
      await ledger.createRun(newRun(id, { settings, name: "夜 nightly", createdAt: Date.now() }));
      await ledger.record([{ kind: "closed", run: id, generation: 1, planned: 0 }], Date.now());
    },
  };
}

async function startServer(): Promise<MisbehavingServer> {
  const server = await startMisbehavingServer();
  onTestFinished(() => server.close());
  return server;
}

/** A program of one line, which is given its own arguments. */
function program(state: string, line: string): string[] {
  return [process.execPath, "-e", line, "--", state];
}

test("the event has the figures, its id and what to filter by, and leaves the outbox once it is published", async () => {
  const bench = setUp();
  await bench.settle("r");
  await new Outbox(bench.parts).finish();
  const [{ body, attributes }] = bench.published as [Outgoing];
  expect(attributes).toEqual({ kind: "settled", run: "r", state: "settled", name: "夜 nightly" });
  const { v, kind, id, at, ...figures } = JSON.parse(body) as SettledEvent;
  expect({ v, kind, id }).toEqual({ v: 1, kind: "settled", id: "r/settled" });
  expect(new Date(at).toISOString()).toBe(at);
  expect(figuresSchema.parse(figures)).toEqual(await bench.ledger.figures("r", Date.now()));
  expect(await bench.ledger.outbox()).toEqual([]);
  expect(bench.said).toEqual([]);
});

test("what the broker does not take stays, is told of, and has the same id when the next recorder sends it", async () => {
  const bodies: string[] = [];
  let isBroken = true;
  const bench = setUp({
    publish: async (_topic, entries) => {
      bodies.push(...entries.map(({ body }) => body));
      if (isBroken) throw new SenpuError("broker", "is gone");
    },
  });
  await bench.settle("r");
  await new Outbox(bench.parts).finish();
  expect(bench.said).toEqual([
    "event r/settled was not sent (is gone); the next recorder sends it",
  ]);
  isBroken = false;
  await new Outbox(bench.parts).finish();
  const ids = bodies.map((body) => (JSON.parse(body) as SettledEvent).id);
  expect(ids).toEqual(["r/settled", "r/settled"]);
  expect(await bench.ledger.outbox()).toEqual([]);
});

test("a stopped run that was resumed since is told of as it was told to be", async () => {
  const bench = setUp();
  await bench.ledger.createRun(newRun("r"));
  await bench.ledger.setState("r", "stopped", "test", Date.now());
  await bench.ledger.restartRun("r", { generation: 1, state: "stopped" }, "test", Date.now());
  await new Outbox(bench.parts).finish();
  expect(JSON.parse(bench.published[0]!.body)).toMatchObject({
    id: "r/stopped/1",
    state: "stopped",
  });
});

test("a webhook gets the event as JSON, its id as Idempotency-Key, and references resolved", async () => {
  const server = await startServer();
  const bench = setUp();
  process.env["SENPU_TEST_HOOK"] = "hooked";
  onTestFinished(() => void delete process.env["SENPU_TEST_HOOK"]);
  await bench.settle("r", {
    webhook: `${server.url}/ok?id=\${env:SENPU_TEST_HOOK}`,
    headers: { authorization: "Bearer ${env:SENPU_TEST_HOOK}" },
  });
  await new Outbox(bench.parts).finish();
  const [request] = server.requests;
  expect(request).toMatchObject({ method: "POST", id: "hooked", idempotencyKey: "r/settled" });
  expect(request?.headers).toMatchObject({
    authorization: "Bearer hooked",
    "content-type": "application/json",
  });
  expect(request?.body).toBe(bench.published[0]?.body);
  expect(readFileSync(join(bench.state, "ledger.db-wal")).includes("Bearer hooked")).toBe(false);
  expect(await bench.ledger.outbox()).toEqual([]);
});

test("a webhook that fails is tried again", async () => {
  const server = await startServer();
  const bench = setUp();
  await bench.settle("r", { webhook: `${server.url}/flaky/x?fails=1` });
  await new Outbox(bench.parts).finish();
  expect(server.requests.map(({ idempotencyKey }) => idempotencyKey)).toEqual([
    "r/settled",
    "r/settled",
  ]);
  expect(bench.said).toEqual([]);
});

test.each([
  [
    "that refuses",
    "/status/404",
    {},
    /webhook of onSettled failed: HTTP 404, after one try\. It is not/,
  ],
  ["that redirects", "/redirect/1", {}, /failed: HTTP 302, after one try/],
  ["whose secret is missing", "/ok", { x: "${env:SENPU_NOT_THERE}" }, /SENPU_NOT_THERE is not set/],
])(
  "a webhook %s is given up, with a line and a note, and the event is sent all the same",
  async (_name, path, headers, line) => {
    const server = await startServer();
    const bench = setUp();
    await bench.settle("r", { webhook: server.url + path, headers });
    await new Outbox(bench.parts).finish();
    expect(bench.said).toEqual([expect.stringMatching(line) as string]);
    expect(bench.said[0]).toContain("senpu status r --json");
    expect((await bench.ledger.events("r")).at(-1)).toMatchObject({ what: "webhook failed" });
    expect(bench.published.length).toBe(1);
    expect(await bench.ledger.outbox()).toEqual([]);
  },
);

test("a command gets the event on standard input, the run and the state folder in its environment", async () => {
  const bench = setUp();
  const line = `
    const fs = require("node:fs");
    const { SENPU_RUN, SENPU_STATE } = process.env;
    const [folder, odd] = process.argv.slice(1);
    fs.writeFileSync(folder + "/told.json", JSON.stringify({ SENPU_RUN, SENPU_STATE, odd, input: fs.readFileSync(0, "utf8") }));
  `;
  await bench.settle("r", { command: [...program(bench.state, line), "$(touch x); '\""] });
  await new Outbox(bench.parts).finish();
  const told = JSON.parse(readFileSync(join(bench.state, "told.json"), "utf8")) as object;
  const input = `${bench.published[0]?.body}\n`;
  expect(told).toEqual({ SENPU_RUN: "r", SENPU_STATE: bench.state, odd: "$(touch x); '\"", input });
  expect(bench.said).toEqual([]);
});

test.each([
  ["that ends with 3", [process.execPath, "-e", "process.exit(3)"], "it ended with 3"],
  [
    "that is killed",
    [process.execPath, "-e", "process.kill(process.pid, 'SIGKILL')"],
    "it ended by SIGKILL",
  ],
  [
    "that is not there",
    ["/no/such/program"],
    "it could not be started: spawn /no/such/program ENOENT",
  ],
])("a command %s is told of", async (_name, command, why) => {
  const bench = setUp();
  await bench.settle("r", { command });
  await new Outbox(bench.parts).finish();
  expect(bench.said).toEqual([expect.stringContaining(why) as string]);
  expect((await bench.ledger.events("r")).at(-1)).toMatchObject({ what: "command failed" });
  expect(await bench.ledger.outbox()).toEqual([]);
});

test("a script without rights cannot be started, and that is told of", async () => {
  const bench = setUp();
  const script = join(bench.state, "script.sh");
  writeFileSync(script, "#!/bin/sh\n");
  chmodSync(script, 0o600);
  await bench.settle("r", { command: [script] });
  await new Outbox(bench.parts).finish();
  expect(bench.said[0]).toContain("EACCES");
});

test("a function runs no commands, and says so", async () => {
  const bench = setUp();
  await bench.settle("r", { command: ["true"] });
  const { state: _state, ...parts } = bench.parts;
  await new Outbox(parts).finish();
  expect(bench.said).toEqual([expect.stringContaining("a function runs no commands") as string]);
  expect(await bench.ledger.outbox()).toEqual([]);
});

test("time that is up breaks a webhook off, and leaves it to the next recorder", async () => {
  const server = await startServer();
  const bench = setUp();
  await bench.settle("r", { webhook: `${server.url}/hang` });
  const outbox = new Outbox(bench.parts);
  const finished = outbox.finish();
  await server.waitForRequests(1);
  outbox.cut();
  await finished;
  expect((await bench.ledger.outbox()).map(({ id }) => id)).toEqual(["r/settled/webhook"]);
  expect(bench.said).toEqual([]);
});

test("of two recorders one calls the webhook, and a slow one holds up no event", async () => {
  const server = await startServer();
  const bench = setUp();
  await bench.settle("slow", { webhook: `${server.url}/slow/500` });
  const [one, other] = [new Outbox(bench.parts), new Outbox(bench.parts)];
  const finished = one.finish();
  await server.waitForRequests(1);
  await other.finish();
  expect(bench.published.length).toBe(1);
  await finished;
  await other.finish();
  expect(server.requests.length).toBe(1);
});

test("what a dead recorder had taken on is done by another once its lease has ended", async () => {
  const bench = setUp();
  await bench.settle("r");
  const lease = { worker: "dead", wanted: 1, held: 0, limit: 1, ttlMs: 1_500, now: Date.now() };
  expect(await bench.parts.coordination.lease({ ...lease, lane: "outbox r/settled" })).toBe(1);
  const stop = new AbortController();
  const watched = new Outbox(bench.parts).watch(stop.signal);
  await sleep(100);
  expect(bench.published).toEqual([]);
  while (bench.published.length === 0) await sleep(50);
  stop.abort();
  await watched;
  expect(bench.published.length).toBe(1);
});

test("the recorder tells of a run within a second of its end, subscribers hear it, and the ledger queue does not", async () => {
  const { endpointUrl } = await startEmbedded();
  const broker = createBroker({ endpointUrl });
  onTestFinished(() => broker.close());
  await broker.ensure(["default"]);
  const aws = {
    endpoint: endpointUrl,
    region: "us-east-1",
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
  };
  const sqs = new SQSClient(aws);
  const sns = new SNSClient(aws);
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "alert" }));
  const arn = "arn:aws:sns:us-east-1:000000000000:senpu-outcomes";
  const FilterPolicy = JSON.stringify({ kind: ["settled"] });
  const Endpoint = "arn:aws:sqs:us-east-1:000000000000:alert";
  const Attributes = { RawMessageDelivery: "true", FilterPolicy };
  await sns.send(new SubscribeCommand({ TopicArn: arn, Protocol: "sqs", Endpoint, Attributes }));

  const bench = setUp();
  const { ledger } = bench;
  const recorder = await startTested({ ...bench.parts, broker, say: () => {} });
  await ledger.createRun(newRun("r", { createdAt: Date.now() }));
  await ledger.createRun(newRun("c", { createdAt: Date.now() }));
  await publish(broker, closedMessage("r", 0));
  const heard = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 10 }));
  expect(JSON.parse(heard.Messages?.[0]?.Body ?? "")).toMatchObject({ run: "r", state: "settled" });
  // By a command, in another process.
  await ledger.setState("c", "cancelled", "senpu cancel", Date.now());
  const again = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 10 }));
  expect(JSON.parse(again.Messages?.[0]?.Body ?? "")).toMatchObject({
    run: "c",
    state: "cancelled",
  });
  await recorder.stop();
  expect(await ledger.outbox()).toEqual([]);
  expect(await countMessages(broker, LEDGER_QUEUE)).toBe(0);
});

test("an event that comes back all the same is dropped without a word", async () => {
  const stores = await makeStores();
  const { broker, ledger } = stores;
  await ledger.createRun(newRun("r", { createdAt: Date.now() }));
  const event = { body: '{"kind":"settled"}', attributes: { kind: "settled", run: "x" } };
  await broker.send(LEDGER_QUEUE, [event]);
  const sent: string[] = [];
  const watched = withMethods(broker, {
    send: async (queue, entries) => {
      sent.push(queue);
      await broker.send(queue, entries);
    },
  });
  const recorder = await startTested({ ...stores, broker: watched });
  await publish(broker, closedMessage("r", 0));
  await recordedUntil(recorder, async () => (await ledger.findRun("r"))?.state === "settled");
  while ((await countMessages(broker, LEDGER_QUEUE)) > 0) await sleep(20);
  await recorder.stop();
  expect(sent).toEqual([]);
});
