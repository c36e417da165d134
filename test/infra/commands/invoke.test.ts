import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { LEDGER_DEAD_QUEUE, LEDGER_QUEUE, laneQueue } from "../../../shared/broker/broker.ts";
import { readSqsEvent, toDelivery, toRecord } from "../../../shared/lambda/sqs-event.ts";
import { decodeMessage } from "../../../shared/model/message.ts";
import type { CallsMessage } from "../../../shared/model/message.ts";
import { openSession } from "../../../shared/session.ts";
import type { Session } from "../../../shared/session.ts";
import { FlowStage, callsTo } from "../../support/flow-stage.ts";
import type { MisbehavingServer } from "../../support/misbehaving-server.ts";
import type { Ended } from "../../support/senpu-process.ts";

/** Real bundles through AWS's runtime client, on the broker that this process holds. */
const stage = new FlowStage("invoke");
const state = stage.newState();
let session: Session;
let server: MisbehavingServer;

beforeAll(async () => {
  server = await stage.startServer();
  session = await openSession({ state });
  stage.onClose(() => session.close());
});

function invoke(...words: string[]): Promise<Ended> {
  return stage.run(["invoke", ...words, "--state", state]);
}

/** What lies in a queue, as Lambda would hand it on. */
async function eventFrom(queue: string): Promise<string> {
  const deliveries = await session.broker.receive(queue, { maxMessages: 10, waitSeconds: 2 });
  const Records = deliveries.map((delivery) =>
    toRecord(delivery, {
      messageId: randomUUID(),
      queue: `senpu-${queue}`,
      receivedAt: Date.now(),
    }),
  );
  return stage.write(`${queue}.json`, JSON.stringify({ Records }));
}

test("L2: a schedule's event makes a run on this machine, its messages are worked and recorded, and it settles", async () => {
  const plan = stage.writePlan("nightly", [
    ...callsTo(`${server.url}/ok`, "good", 4),
    { id: "posted", method: "POST", url: `${server.url}/ok?id=posted`, json: { a: 1 } },
    { id: "gone", url: `${server.url}/status/404?id=gone` },
  ]);
  const time = "2026-11-22T03:00:00Z";
  const schedule = stage.write("schedule.json", JSON.stringify({ plan, time }));
  const produced = await invoke("producer", "--event", schedule);
  expect(produced).toMatchObject({ exitCode: 0 });
  const run = "nightly-20261122t030000";
  expect(JSON.parse(produced.stdout)).toEqual({ run, state: "published", planned: 6 });
  expect(produced.stderr).toMatch(
    /REPORT RequestId: .*Billed Duration: \d+ ms\tMemory Size: 512 MB/,
  );

  // A schedule that fires twice makes one run.
  const again = await invoke("producer", "--event", schedule);
  expect(JSON.parse(again.stdout)).toMatchObject({ run, state: "published before" });

  const worked = await invoke(
    "consumer",
    "--event",
    await eventFrom(laneQueue("default")),
    "--json",
  );
  expect(worked).toMatchObject({ exitCode: 0 });
  expect(JSON.parse(worked.stdout)).toMatchObject({
    kind: "returned",
    result: { batchItemFailures: [] },
    memoryMb: 512,
  });
  expect(worked.stderr).toContain('"succeeded":5,"failed":1,"putBack":0');
  expect(await session.broker.depth(laneQueue("default"))).toMatchObject({ notVisible: 0 });
  expect(server.requests.find(({ id }) => id === "posted")?.body).toBe('{"a":1}');

  const recorded = await invoke("recorder", "--event", await eventFrom(LEDGER_QUEUE));
  expect(recorded).toMatchObject({ exitCode: 0 });
  expect(await session.ledger.figures(run, Date.now())).toMatchObject({
    state: "settled",
    planned: 6,
    succeeded: 5,
    failed: 1,
    duplicates: 0,
  });
});

test("the sample of a plan is an event as AWS delivers it, and the consumer takes it", async () => {
  const plan = stage.writePlan("sample", callsTo(`${server.url}/ok`, "sampled", 12));
  const path = stage.write("sample-event.json", "");
  expect(await invoke("consumer", "--sample", plan, "-o", path)).toMatchObject({ exitCode: 0 });
  const records = readSqsEvent(JSON.parse(readFileSync(path, "utf8")));
  const messages = records.map((record) => decodeMessage(toDelivery(record).body) as CallsMessage);
  expect(messages.flatMap(({ calls }) => calls).length).toBe(12);
  const before = server.requests.length;
  expect(await invoke("consumer", "--event", path, "--memory", "256")).toMatchObject({
    exitCode: 0,
  });
  expect(server.requests.length - before).toBe(12);
});

test("a call that hangs is given up in time, so that the function itself never runs out of it", async () => {
  const plan = stage.writePlan("hanging", [{ id: "hang", url: `${server.url}/hang?id=hang` }]);
  const path = stage.write("hanging-event.json", "");
  await invoke("consumer", "--sample", plan, "-o", path);
  const { exitCode, stderr } = await invoke("consumer", "--event", path, "--timeout", "3s");
  expect(exitCode).toBe(0);
  expect(stderr).toContain('"putBack":1');
});

test("a handler that fails ends with 1, and says why", async () => {
  const wrong = stage.write("no-plan.json", JSON.stringify({ plan: "no-such-plan.yaml" }));
  const { exitCode, stderr, stdout } = await invoke("producer", "--event", wrong);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  expect(stderr).toMatch(/^senpu: the handler threw SenpuError: no-such-plan\.yaml/m);
});

test.each([
  [
    "no function of that name",
    ["nobody", "--event", "x"],
    /no function nobody; there are producer/,
  ],
  ["no event", ["consumer"], /--event FILE is missing/],
  ["an event that is not there", ["consumer", "--event", "gone.json"], /gone\.json: ENOENT/],
  [
    "a time limit that Lambda has not",
    ["consumer", "--event", "gone.json", "--timeout", "1h"],
    /--timeout 1h: from 1s to 15m/,
  ],
  [
    "a sample for the recorder",
    ["recorder", "--sample", "p.yaml"],
    /--sample makes an event for the consumer/,
  ],
])("%s ends with 2", async (_name, words, message) => {
  const { exitCode, stderr } = await invoke(...words);
  expect({ exitCode, stderr }).toEqual({
    exitCode: 2,
    stderr: expect.stringMatching(message) as string,
  });
});

test("an event that the handler does not take ends with 2, and shows what it takes", async () => {
  const path = stage.write("wrong.json", JSON.stringify({ Records: [{ messageId: 1 }] }));
  const { exitCode, stderr } = await invoke("consumer", "--event", path);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/wrong\.json: .*Records\[0\]\.messageId should be text, and is 1/);
  expect(stderr).toContain('This function takes an SQS batch: {"Records"');
});

test("what the recorder cannot read goes to its dead-letter queue, and keeps nothing else from being recorded", async () => {
  await session.broker.send(LEDGER_QUEUE, [{ body: "rubbish" }]);
  const { exitCode, stdout } = await invoke("recorder", "--event", await eventFrom(LEDGER_QUEUE));
  expect({ exitCode, result: JSON.parse(stdout) as unknown }).toEqual({
    exitCode: 0,
    result: { batchItemFailures: [] },
  });
  const [dead] = await session.broker.receive(LEDGER_DEAD_QUEUE, {
    maxMessages: 1,
    waitSeconds: 2,
  });
  expect(dead?.body).toBe("rubbish");
});

test("--inspect waits for a debugger, and ends with its command", async () => {
  const path = stage.write("task.json", JSON.stringify({ task: "housekeeping" }));
  const words = ["invoke", "recorder", "--event", path, "--inspect", "0", "--state", state];
  const waiting = stage.start(words);
  await waiting.waitForStderr(/Debugger listening on ws:\/\/127\.0\.0\.1:\d+/);
  // Beside the bundler's.
  const child = waiting
    .children()
    .find((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("--inspect-brk"));
  waiting.kill("SIGTERM");
  expect((await waiting.ended).exitCode).toBe(1);
  expect(() => process.kill(child ?? 0, 0), "the function's process is gone").toThrow("ESRCH");
});

test("--watch invokes again when the event changes", async () => {
  const path = stage.write("watched.json", JSON.stringify({ task: "housekeeping" }));
  const watching = stage.start([
    "invoke",
    "recorder",
    "--event",
    path,
    "--watch",
    "--state",
    state,
  ]);
  await watching.waitForStderr(/waiting for a change/);
  stage.write("watched.json", JSON.stringify({ Records: [] }));
  await watching.waitForStderr(/watched\.json: the event does not suit/);
  stage.write("watched.json", JSON.stringify({ task: "housekeeping", again: true }));
  await watching.waitForStderr(/REPORT[\s\S]*REPORT/);
  watching.kill("SIGINT");
  expect((await watching.ended).exitCode).toBe(0);
});
