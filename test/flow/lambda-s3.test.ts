import { randomUUID } from "node:crypto";
import {
  CreateBucketCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { beforeAll, expect, test } from "vitest";
import { LEDGER_QUEUE, laneQueue } from "../../shared/broker/broker.ts";
import { toRecord } from "../../shared/lambda/sqs-event.ts";
import type { SettledEvent } from "../../shared/model/settled-event.ts";
import { openSession } from "../../shared/session.ts";
import type { Session } from "../../shared/session.ts";
import { FlowStage, readRun } from "../support/flow-stage.ts";
import type { MisbehavingServer } from "../support/misbehaving-server.ts";
import type { Ended } from "../support/senpu-process.ts";

/** The functions' real bundles, with a plan and its large calls in S3, on the broker and the S3 that this process holds. */
const stage = new FlowStage("lambda-s3");
const state = stage.newState();
const BUCKET = "plans";
let session: Session;
let server: MisbehavingServer;
let s3: S3Client;

beforeAll(async () => {
  server = await stage.startServer();
  session = await openSession({ state });
  stage.onClose(() => session.close());
  s3 = new S3Client({
    endpoint: session.endpointUrl!,
    forcePathStyle: true,
    region: "us-east-1",
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
  });
  stage.onClose(async () => s3.destroy());
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
});

function invoke(name: string, event: unknown): Promise<Ended> {
  const path = stage.write(`${name}.json`, JSON.stringify(event));
  return stage.run(["invoke", name, "--event", path, "--state", state], {
    env: { AWS_ENDPOINT_URL_S3: session.endpointUrl!, SENPU_CLAIMS_BUCKET: `${BUCKET}/claims` },
  });
}

/** All that lies in a queue, as Lambda would hand it on. */
async function eventFrom(queue: string): Promise<unknown> {
  const deliveries = await session.broker.receive(queue, { maxMessages: 10, waitSeconds: 2 });
  const from = { queue: `senpu-${queue}`, receivedAt: Date.now() };
  return {
    Records: deliveries.map((each) => toRecord(each, { ...from, messageId: randomUUID() })),
  };
}

test("an object created in S3 becomes a run, its large call goes by S3, and its webhook is called by the recorder", async () => {
  const text = "風".repeat(150_000);
  const plan = {
    name: "dropped",
    allow: ["127.0.0.1"],
    onSettled: { webhook: `${server.url}/ok?id=hook`, command: ["true"] },
    calls: [{ id: "large", method: "PUT", url: `${server.url}/ok?id=large`, json: { text } }],
    from: "rows.csv",
    each: { id: "{{ n }}", url: `${server.url}/ok?id={{ n }}` },
  };
  const put = (Key: string, Body: string) =>
    s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));
  await put("in/rows.csv", "n\none\ntwo\n");
  const { ETag } = await put("in/plan.json", JSON.stringify(plan));
  const created = {
    source: "aws.s3",
    "detail-type": "Object Created",
    detail: {
      bucket: { name: BUCKET },
      object: { key: "in/plan.json", etag: ETag?.replaceAll('"', "") },
    },
  };
  const produced = await invoke("producer", created);
  expect(produced).toMatchObject({ exitCode: 0 });
  const { run, planned } = JSON.parse(produced.stdout) as { run: string; planned: number };
  expect({ run, planned }).toEqual({
    run: expect.stringMatching(/^dropped-/) as string,
    planned: 3,
  });
  const again = await invoke("producer", { plan: `s3://${BUCKET}/in/plan.json` });
  expect(JSON.parse(again.stdout)).toMatchObject({ run, state: "published before" });
  const { Contents = [] } = await s3.send(
    new ListObjectsV2Command({ Bucket: BUCKET, Prefix: `claims/${run}/` }),
  );
  expect(Contents.length).toBe(1);

  const worked = await invoke("consumer", await eventFrom(laneQueue("default")));
  expect(worked.stderr).toContain('"succeeded":3,"failed":0,"putBack":0');
  const sent = server.requests.find(({ id }) => id === "large");
  expect(JSON.parse(sent?.body ?? "")).toEqual({ text });

  const recorded = await invoke("recorder", await eventFrom(LEDGER_QUEUE));
  expect(recorded).toMatchObject({ exitCode: 0 });
  expect((await readRun(state, run)).figures).toMatchObject({ state: "settled", succeeded: 3 });
  const hook = server.requests.find(({ id }) => id === "hook");
  expect(JSON.parse(hook?.body ?? "")).toMatchObject({
    run,
    succeeded: 3,
  } satisfies Partial<SettledEvent>);
  expect(recorded.stderr).toMatch(/WARN\t.*a function runs no commands/);
  expect(await session.ledger.outbox()).toEqual([]);
}, 120_000);

test("a plan in S3 that is wrong ends the producer with where it is wrong", async () => {
  await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: "bad.yaml", Body: "calls: 7\n" }));
  const ended = await invoke("producer", { plan: `s3://${BUCKET}/bad.yaml` });
  expect(ended.exitCode).toBe(1);
  expect(ended.stderr).toContain(`s3://${BUCKET}/bad.yaml:1:1 calls`);
});
