import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { expect, onTestFinished, test } from "vitest";
import { readOrdered } from "../../../producer/entries/read-ordered.ts";
import type { OrderedPlan } from "../../../producer/entries/read-ordered.ts";
import { checkRunId } from "../../../producer/run/run-id.ts";
import { readProducerEvent } from "../../../shared/lambda/producer-event.ts";
import { useS3 } from "../../support/s3.ts";

const s3 = useS3();
const PLAN = "name: nightly\ncalls: [ 'http://127.0.0.1/a' ]\n";
const ROWS_PLAN = (from: string): string =>
  `from: ${from}\neach: { id: "{{ n }}", url: "http://127.0.0.1/{{ n }}" }\n`;

const put = async (Bucket: string, Key: string, Body: string): Promise<string> => {
  const { ETag = "" } = await s3.client.send(new PutObjectCommand({ Bucket, Key, Body }));
  return ETag.replaceAll('"', "");
};

/** As the function reads it; its files go with the test. */
async function read(event: unknown): Promise<OrderedPlan> {
  const ordered = await readOrdered(readProducerEvent(event), tmpdir(), "request");
  onTestFinished(() => ordered.remove());
  return ordered;
}

async function idsOf({ plan }: OrderedPlan): Promise<string[]> {
  const ids: string[] = [];
  for await (const entries of plan.entries()) {
    for (const entry of entries) ids.push("call" in entry ? entry.call.id : "invalid");
  }
  return ids;
}

test("the same object is the same run, another content, key or bucket another", async () => {
  const [bucket, other] = [await s3.makeBucket(), await s3.makeBucket()];
  await put(bucket, "in/plan.yaml", PLAN);
  await put(bucket, "in/copy.yaml", PLAN);
  await put(other, "in/plan.yaml", PLAN);
  const event = { plan: `s3://${bucket}/in/plan.yaml` };
  const first = await read(event);
  expect(first.run).toMatch(/^nightly-[0-9a-f]{24}$/);
  checkRunId(first.run);
  expect(first.plan.source).toMatchObject({ path: event.plan, shown: event.plan });
  expect((await read(event)).run).toBe(first.run);
  const runs = new Set([
    first.run,
    (await read({ plan: `s3://${bucket}/in/copy.yaml` })).run,
    (await read({ plan: `s3://${other}/in/plan.yaml` })).run,
  ]);
  await put(bucket, "in/plan.yaml", `${PLAN}# changed\n`);
  runs.add((await read(event)).run);
  expect(runs.size).toBe(4);
});

test("a schedule makes a run of its own each time, whatever the object", async () => {
  const bucket = await s3.makeBucket();
  await put(bucket, "plan.yaml", PLAN);
  const time = "2026-11-22T03:00:00Z";
  const ordered = await read({ plan: `s3://${bucket}/plan.yaml`, time, name: "mine" });
  expect(ordered.run).toBe("mine-20261122t030000");
});

test.each([
  ["beside the plan", "in/rows.csv", "rows.csv"],
  ["below it", "in/more/rows.csv", "./more/rows.csv"],
  ["above it", "rows.csv", "../rows.csv"],
])("rows %s are read, and new rows make a new run", async (_name, key, from) => {
  const bucket = await s3.makeBucket();
  await put(bucket, "in/plan.yaml", ROWS_PLAN(from));
  await put(bucket, key, "n\n1\n2\n");
  const event = { plan: `s3://${bucket}/in/plan.yaml` };
  const first = await read(event);
  expect(await idsOf(first)).toEqual(["1", "2"]);
  expect(first.plan.name).toBe("plan");
  expect(first.plan.source.rows?.path).toBe(`s3://${bucket}/${key}`);
  await put(bucket, key, "n\n3\n");
  const second = await read(event);
  expect(await idsOf(second)).toEqual(["3"]);
  expect(second.run).not.toBe(first.run);
});

test.each(["../../../etc/passwd", "/etc/passwd", "../../rows.csv", "rows/"])(
  "rows at %s are refused",
  async (from) => {
    const bucket = await s3.makeBucket();
    await put(bucket, "in/plan.yaml", ROWS_PLAN(from));
    await expect(read({ plan: `s3://${bucket}/in/plan.yaml` })).rejects.toThrow(
      /names no object; give a key relative to the plan's/,
    );
  },
);

test("a key that would lead out of any folder is a name like any other", async () => {
  const bucket = await s3.makeBucket();
  const key = "a/..%2f/.../x y.jsonl";
  await put(bucket, key, '{"id":"a","url":"http://127.0.0.1/"}\n');
  const ordered = await read({ plan: `s3://${bucket}/${key}` });
  expect(await idsOf(ordered)).toEqual(["a"]);
  expect(ordered.plan.name).toBe("x_y");
});

test("an event means the very object that it tells of", async () => {
  const bucket = await s3.makeBucket();
  const etag = await put(bucket, "plan.yaml", PLAN);
  const eventOf = (eTag: string) => ({
    Records: [
      {
        eventSource: "aws:s3",
        eventName: "ObjectCreated:Put",
        s3: { bucket: { name: bucket }, object: { key: "plan.yaml", eTag } },
      },
    ],
  });
  const ordered = await read(eventOf(etag));
  expect(await idsOf(ordered)).toHaveLength(1);
  expect(ordered.run).toBe((await read({ plan: `s3://${bucket}/plan.yaml` })).run);
  await put(bucket, "plan.yaml", `${PLAN}# changed\n`);
  await expect(read(eventOf(etag))).rejects.toThrow(/has been replaced since the event/);
});

test("what is not there, or wrong, is told by its URL, and leaves no file behind", async () => {
  const bucket = await s3.makeBucket();
  await put(bucket, "broken.yaml", "calls: [");
  await put(bucket, "rows.yaml", ROWS_PLAN("gone.csv"));
  const before = process.env["TMPDIR"];
  const folder = mkdtempSync(join(tmpdir(), "senpu-s3-plan-"));
  process.env["TMPDIR"] = folder;
  onTestFinished(() => {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  });
  const at = `s3://${bucket}`;
  await expect(read({ plan: `${at}/gone.yaml` })).rejects.toThrow(
    `${at}/gone.yaml: there is no such object`,
  );
  await expect(read({ plan: `${at}/broken.yaml` })).rejects.toThrow(`${at}/broken.yaml:1:`);
  await expect(read({ plan: `${at}/rows.yaml` })).rejects.toThrow(
    `${at}/gone.csv: there is no such object`,
  );
  const ordered = await readOrdered(
    readProducerEvent({ plan: { calls: ["http://a/"] } }),
    folder,
    "x",
  );
  await ordered.remove();
  expect(readdirSync(folder)).toEqual([]);
});

test("rows may lie in another bucket, and other rows make another run", async () => {
  const [bucket, other] = [await s3.makeBucket(), await s3.makeBucket()];
  await put(bucket, "plan.yaml", ROWS_PLAN(`s3://${other}/rows.csv`));
  await put(other, "rows.csv", "n\n1\n");
  const event = { plan: `s3://${bucket}/plan.yaml` };
  const first = await read(event);
  expect(await idsOf(first)).toEqual(["1"]);
  expect((await read(event)).run).toBe(first.run);
  await put(other, "rows.csv", "n\n2\n");
  expect((await read(event)).run).not.toBe(first.run);
});

test("a module in a bucket is not run", async () => {
  const bucket = await s3.makeBucket();
  await put(bucket, "calls.ts", "export default ['http://127.0.0.1/'];");
  await expect(read({ plan: `s3://${bucket}/calls.ts` })).rejects.toThrow(
    "a module is run from this machine's files alone",
  );
});
