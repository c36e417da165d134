import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { GetObjectCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { expect, onTestFinished, test } from "vitest";
import { AnswerDesk } from "../../../consumer/answer/answer-desk.ts";
import type { Attempt } from "../../../consumer/execute/attempt.ts";
import { HttpClient } from "../../../consumer/execute/http-client.ts";
import type { CallTask } from "../../../consumer/receive/chunk.ts";
import { openFolderAnswers } from "../../../shared/answers/folder-answers.ts";
import { temporaryFolder } from "../../shared/broker/embedded.ts";
import { makePolicy } from "../../support/policy.ts";
import { useS3 } from "../../support/s3.ts";

const ALLOW = ["127.0.0.1"];

const s3 = useS3();

test("answers go into the plan's bucket, an object a call, which a call that is made twice writes again", async () => {
  const Bucket = await s3.makeBucket();
  const server = createServer((request, response) => {
    const [name = "", bytes] = (request.url ?? "").slice(1).split("/");
    response.writeHead(200, { "content-type": "text/plain" }).end(name.repeat(Number(bytes)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const http = new HttpClient();
  const lost: unknown[] = [];
  const desk = new AnswerDesk(openFolderAnswers(temporaryFolder()), (error) => lost.push(error));
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await http.close();
    await desk.close();
  });
  const make = (id: string, path: string, bucket = Bucket): Promise<Attempt> => {
    const to = `s3://${bucket}/nightly/`;
    const answers = { save: { format: "s3" as const, to, maxBodyBytes: 1_000_000_000 } };
    const chunk = { message: { run: "r", policy: makePolicy() } };
    const task = { call: { id, url: origin + path }, chunk } as unknown as CallTask;
    return new Promise((resolve) => {
      const request = { origin, path, method: "GET" as const, headers: [], body: null };
      http.start(request, http.pools(ALLOW), 60_000, 0, resolve, desk.reading(task, answers));
    });
  };
  const small = await make("a/1", "/x/3");
  expect(small.kept).toEqual({
    answer: { bytes: 3, saved: { object: `s3://${Bucket}/nightly/r/a%2F1`, bytes: 3 } },
  });
  await make("a/1", "/y/4");
  await make("large", "/z/300000");
  const { Contents = [] } = await s3.client.send(new ListObjectsV2Command({ Bucket }));
  expect(Contents.map(({ Key, Size }) => [Key, Size])).toEqual([
    ["nightly/r/a%2F1", 4],
    ["nightly/r/large", 300_000],
  ]);
  const Key = "nightly/r/large";
  const { Body, ContentType } = await s3.client.send(new GetObjectCommand({ Bucket, Key }));
  expect(ContentType).toBe("text/plain");
  expect(await Body?.transformToString()).toBe("z".repeat(300_000));
  expect(lost).toEqual([]);
  // A bucket that is not there takes nothing: the call's worker cannot go on.
  expect(await make("b", "/x/1", "no-such-bucket-here")).toMatchObject({ isCut: true });
  expect(lost).toMatchObject([{ code: "answers" }]);
}, 150_000);
