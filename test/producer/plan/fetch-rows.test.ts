import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { gzipSync } from "node:zlib";
import type { Plan } from "../../../producer/plan/plan.ts";
import { useS3 } from "../../support/s3.ts";
import { callsOf, readFiles } from "./plan-files.ts";

const s3 = useS3();
const ROWS = "id\na\nb\n";

const ANSWERS: Readonly<
  Record<string, (request: IncomingMessage, response: ServerResponse) => void>
> = {
  "/rows.csv": (_request, response) => void response.end(ROWS),
  "/packed.csv": (_request, response) => void response.end(gzipSync(ROWS)),
  "/export": (request, response) =>
    void response.end(`id\n${String(request.headers["x-token"])}\n`),
  "/moved.csv": (_request, response) => redirect(response, "/rows.csv"),
  "/loop.csv": (_request, response) => redirect(response, "/loop.csv"),
  "/metadata.csv": (_request, response) => redirect(response, "http://127.0.0.2:9/latest?key=k"),
  "/gone.csv": (_request, response) => void response.writeHead(404).end("<html>"),
  "/empty.csv": (_request, response) => void response.writeHead(204).end(),
  "/cut.csv": (_request, response) => {
    response.writeHead(200, { "content-length": "1000" });
    response.write(ROWS, () => response.destroy());
  },
};

const server = createServer((request, response) => {
  const path = request.url?.replace(/\?.*/, "") ?? "";
  ANSWERS[path]?.(request, response);
});
let url: string;
const temporary = mkdtempSync(join(tmpdir(), "senpu-fetch-"));
const before = process.env["TMPDIR"];
beforeAll(async () => {
  process.env["TMPDIR"] = temporary;
  await once(server.listen(0, "127.0.0.1"), "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  if (before === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = before;
  rmSync(temporary, { recursive: true });
});

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { location }).end();
}

function read(from: string): Promise<Plan> {
  const each = 'each: { id: "{{ id }}", url: "https://a.example/{{ id }}" }';
  return readFiles({ "p.yaml": `from: ${from}\n${each}` });
}

async function idsOf(plan: Plan): Promise<string[]> {
  return (await callsOf(plan)).map(({ id }) => id);
}

function copies(): string[] {
  return readdirSync(temporary).filter((name) => name.startsWith("senpu-rows-"));
}

test("rows from a URL are read as from a file, packed or not, and where they have moved to", async () => {
  for (const name of ["rows.csv", "packed.csv", "moved.csv"]) {
    const plan = await read(`"${url}/${name}"`);
    expect(await idsOf(plan)).toEqual(["a", "b"]);
    // Once more, as a run does that goes on after a pause.
    expect(await idsOf(plan)).toEqual(["a", "b"]);
    await plan.release?.();
  }
});

test("what is stored of the source is the URL without its query, and a digest of its bytes", async () => {
  const plan = await read(`"${url}/rows.csv?X-Amz-Signature=s3cr3t"`);
  expect(plan.source.rows).toEqual({
    path: `${url}/rows.csv`,
    digest: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  const before = copies().length;
  await plan.release?.();
  expect(copies().length).toBe(before - 1);
});

test("headers are sent, and what they hold may come from the environment", async () => {
  const from = `{ file: "${url}/export", format: csv, headers: { x-token: "\${env:ROWS_TOKEN}" } }`;
  await expect(read(from)).rejects.toThrow(
    "the environment variable ROWS_TOKEN is not set here; headers need it",
  );
  process.env["ROWS_TOKEN"] = "t";
  try {
    const plan = await read(from);
    expect(await idsOf(plan)).toEqual(["t"]);
    await plan.release?.();
  } finally {
    delete process.env["ROWS_TOKEN"];
  }
});

test.each([
  ["gone.csv", "it answered 404, and rows come with 200"],
  ["empty.csv", "it answered 204, and rows come with 200"],
  ["loop.csv", "it redirects more than 5 times"],
  ["cut.csv", "it ended its answer too early"],
  [
    "metadata.csv",
    "it redirects to http://127.0.0.2:9/latest: a redirect to another origin is followed to https alone",
  ],
])("a URL that has no rows is told in one line: %s", async (name, said) => {
  const before = copies().length;
  const reading = read(`"${url}/${name}?key=s3cr3t"`);
  await expect(reading).rejects.toThrow(`p.yaml:1:1 from: "${url}/${name}": ${said}`);
  await expect(reading).rejects.not.toThrow(/s3cr3t|\n/);
  expect(copies().length).toBe(before);
});

test.each([
  ["https://ann:pw@a.example/r.csv", "the URL of a.example holds a password"],
  ["https://a.example/export", "say what it is: from: { file: …, format: csv }"],
  ["s3://b", "names no object; write s3://bucket/key"],
  ["http://127.0.0.1:9/r.csv", "it cannot be fetched: connect ECONNREFUSED 127.0.0.1:9"],
])("a place that cannot be read is told: %s", async (from, said) => {
  await expect(read(`"${from}"`)).rejects.toThrow(said);
});

test("rows are read from a bucket, and what is not there is told by its URL", async () => {
  const Bucket = await s3.makeBucket();
  await s3.client.send(new PutObjectCommand({ Bucket, Key: "in/r.csv.gz", Body: gzipSync(ROWS) }));
  const plan = await read(`s3://${Bucket}/in/r.csv.gz`);
  expect(await idsOf(plan)).toEqual(["a", "b"]);
  expect(plan.source.rows?.path).toBe(`s3://${Bucket}/in/r.csv.gz`);
  await plan.release?.();
  await expect(read(`s3://${Bucket}/none.csv`)).rejects.toThrow(
    `s3://${Bucket}/none.csv: there is no such object`,
  );
});
