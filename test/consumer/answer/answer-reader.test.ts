import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { AnswerDesk } from "../../../consumer/answer/answer-desk.ts";
import type { Attempt } from "../../../consumer/execute/attempt.ts";
import { HttpClient } from "../../../consumer/execute/http-client.ts";
import type { CallTask } from "../../../consumer/receive/chunk.ts";
import { openFolderAnswers } from "../../../shared/answers/folder-answers.ts";
import type { AnswerPolicy, SavePolicy } from "../../../shared/model/answer-policy.ts";
import { temporaryFolder } from "../../shared/broker/embedded.ts";
import { makePolicy } from "../../support/policy.ts";

const ALLOW = ["127.0.0.1"];

type Answering = (response: ServerResponse) => void | Promise<void>;

interface Answered {
  readonly attempt: Attempt;
  /** Its saved form; undefined where nothing is saved. */
  readonly saved: string | undefined;
  readonly lost: unknown[];
  /** What is left half written at this moment. */
  partials(): string[];
}

/** Makes one call to a server that answers so, and saves what is to be saved. */
async function ask(
  answering: Answering,
  answers: AnswerPolicy,
  timeoutMs = 20_000,
): Promise<Answered> {
  const server = createServer((_request, response) => void answering(response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const http = new HttpClient();
  const root = temporaryFolder();
  const store = openFolderAnswers(root);
  const lost: unknown[] = [];
  const desk = new AnswerDesk(store, (error) => lost.push(error));
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await http.close();
  });
  const call = { id: "a", url: `${origin}/` };
  const task = {
    call,
    chunk: { message: { run: "r", policy: makePolicy() } },
  } as unknown as CallTask;
  const attempt = await new Promise<Attempt>((resolve) => {
    const request = { origin, path: "/", method: "GET" as const, headers: [], body: null };
    http.start(request, http.pools(ALLOW), timeoutMs, 0, resolve, desk.reading(task, answers));
  });
  const { answer, staged } = attempt.kept ?? {};
  const [committed] =
    staged === undefined ? [answer] : await desk.commit([{ run: "r", answer, staged }]);
  const place = committed?.saved;
  const saved =
    place === undefined || !("segment" in place)
      ? undefined
      : (await buffer(store.read("r", place.segment, place.at, place.bytes))).toString();
  const partials = () =>
    (readdirSync(root, { recursive: true }) as string[]).filter((name) => name.includes("partial"));
  return { attempt, saved, lost, partials };
}

const send =
  (body: string | Buffer, headers: Record<string, string> = {}, status = 200): Answering =>
  (response) =>
    void response.writeHead(status, headers).end(body);

const save = (format: SavePolicy["format"], more: Partial<SavePolicy> = {}): AnswerPolicy => ({
  save: { format, to: "/nowhere", maxBodyBytes: 1_000_000_000, ...more },
});

const JSON_TYPE = { "content-type": "application/json" };
const LINES = save("jsonl");

test.each([
  ["gzip", gzipSync],
  ["br", brotliCompressSync],
  ["zstd", zstdCompressSync],
  ["deflate", deflateSync],
  ["identity", (body: Buffer) => body],
])("a body in %s is decoded", async (coding, encode) => {
  const body = Buffer.from(JSON.stringify({ text: "風".repeat(1_000) }));
  const headers = { ...JSON_TYPE, "content-encoding": coding };
  const { attempt, saved } = await ask(send(encode(body), headers), LINES);
  expect(attempt.end).toEqual({ kind: "answer", status: 200 });
  expect(JSON.parse(saved ?? "")).toEqual({ id: "a", status: 200, json: JSON.parse(String(body)) });
});

test("a JSON body stays digit by digit, on one line; text is text, and what is neither base64", async () => {
  const json = '{\r\n  "n": 12345678901234567890,\n  "s": "a\\nb"\n}';
  expect((await ask(send(json, JSON_TYPE), LINES)).saved).toBe(
    '{"id":"a","status":200,"json":{"n": 12345678901234567890,"s": "a\\nb"}}\n',
  );
  const latin = { "content-type": "text/plain; charset=iso-8859-1" };
  const { saved } = await ask(send(Buffer.from("caf\u00e9\n", "latin1"), latin), LINES);
  expect(saved).toBe('{"id":"a","status":200,"text":"café\\n"}\n');
  const bytes = Buffer.from([0xff, 0xd8, 0xff]);
  for (const headers of [{ "content-type": "image/jpeg" }, {}]) {
    expect(JSON.parse((await ask(send(bytes, headers), LINES)).saved ?? "")).toEqual({
      id: "a",
      status: 200,
      base64: bytes.toString("base64"),
    });
  }
});

test.each<[string, Answering, AnswerPolicy, RegExp]>([
  [
    "a gzip that ends too soon",
    send(gzipSync("x".repeat(100_000)).subarray(0, 60), { "content-encoding": "gzip" }),
    LINES,
    /^its body is not whole gzip \(unexpected end of file\)$/,
  ],
  [
    "a zstd that is none",
    send("rubbish", { "content-encoding": "zstd" }),
    LINES,
    /^its body is not whole zstd/,
  ],
  [
    "an encoding that nobody knows",
    send("x", { "content-encoding": "rot13" }),
    LINES,
    /^content-encoding rot13 is not known; gzip, deflate, br and zstd are$/,
  ],
  [
    "JSON that is none",
    send("<html>no</html>", JSON_TYPE),
    LINES,
    /^its body is not JSON, as its type says: Unexpected token '<'/,
  ],
  [
    "a charset that it is not in",
    send(Buffer.from([0xc3, 0x28]), { "content-type": "text/plain; charset=utf-8" }),
    LINES,
    /^its body is not utf-8, as its type says$/,
  ],
  [
    "a charset that nobody knows",
    send("x", { "content-type": "text/plain; charset=klingon" }),
    LINES,
    /^charset klingon is not known$/,
  ],
  [
    "a body that an expectation finds wanting",
    send('{"ok":false}', JSON_TYPE),
    { expect: ["$.ok = true"] },
    /^expected \$\.ok = true, found false$/,
  ],
  [
    "an expectation of what is no JSON",
    send("fine", { "content-type": "text/plain" }),
    { expect: ["$.ok = true"] },
    /^its body is not JSON: /,
  ],
  [
    "an expectation of nothing at all",
    send("", JSON_TYPE, 204),
    { expect: ["$.ok = true"] },
    /^its body is not JSON, as its type says: it is empty$/,
  ],
  [
    "a body that is nested without end",
    send("[".repeat(100_000), JSON_TYPE),
    { expect: ["$.ok = true"] },
    /^its body is not JSON, as its type says: /,
  ],
])("%s is a clear failure", async (_name, answering, answers, said) => {
  const { attempt, saved } = await ask(answering, answers);
  expect(attempt.end).toMatchObject({ kind: "answer", unmet: true });
  expect(attempt.error).toMatch(said);
  expect(saved).toBeUndefined();
});

test("a bomb is given up at the limit, whatever it would become, and its file goes", async () => {
  const bomb = gzipSync(Buffer.alloc(50_000_000));
  const headers = { "content-encoding": "gzip" };
  for (const [answers, said] of [
    [save("files", { maxBodyBytes: 1_000_000 }), /larger than .*, the limit of save/],
    [{ expect: ["$.ok"] }, /larger than .* the most that can be looked into/],
  ] as const) {
    const { attempt, partials } = await ask(send(bomb, headers), answers);
    expect(attempt.error).toMatch(said);
    expect(partials()).toEqual([]);
  }
  // What is kept is the beginning, and the rest is not even decoded.
  const { attempt } = await ask(send(bomb, headers), { keep: { bodyBytes: 10 } });
  expect(attempt.kept?.answer).toMatchObject({ truncated: true, body: "\0".repeat(10) });
  expect(attempt.kept?.answer?.bytes).toBeUndefined();
});

test("a large body goes to disk as fast as the disk takes it, in any form", async () => {
  const block = Buffer.from(`${"風\n".repeat(16_383)}xy`);
  const many: Answering = async (response) => {
    response.writeHead(200, { "content-type": "text/plain" });
    for (let i = 0; i < 200; i++) if (!response.write(block)) await once(response, "drain");
    response.end();
  };
  const before = process.memoryUsage().arrayBuffers;
  const files = await ask(many, save("files"));
  expect(files.saved?.length).toBe(String(block).length * 200);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000_000);
  const lines = await ask(many, LINES);
  const { text } = JSON.parse(lines.saved ?? "") as { text: string };
  expect(text).toBe(String(block).repeat(200));
}, 150_000);

test("a connection that is lost in mid-body is a reset like any other, and leaves no file", async () => {
  const { attempt, partials, lost } = await ask((response) => {
    response.writeHead(200, { "content-length": 10_000_000 }).write(Buffer.alloc(300_000));
    setTimeout(() => response.destroy(), 200);
  }, save("files"));
  expect(attempt.end).toEqual({ kind: "reset", sent: true });
  expect(lost).toEqual([]);
  await expect.poll(partials).toEqual([]);
});

test("an answer that is no success is kept, and neither expected of nor saved", async () => {
  const answers = { ...LINES, keep: { bodyBytes: 100 }, expect: ["$.ok = true"] };
  const headers = { ...JSON_TYPE, "set-cookie": "session=secret" };
  const { attempt, saved } = await ask(send('{"error":"gone"}', headers, 404), answers);
  expect(attempt.end).toEqual({ kind: "answer", status: 404 });
  expect(attempt.kept?.answer).toMatchObject({
    headers: { "content-type": "application/json", "set-cookie": "(withheld)" },
    body: '{"error":"gone"}',
    bytes: 16,
  });
  expect(saved).toBeUndefined();
});

test("what is kept of text is cut between characters, and said to be cut", async () => {
  const headers = { "content-type": "text/plain; charset=utf-8" };
  const { attempt } = await ask(send("風".repeat(10), headers), { keep: { bodyBytes: 7 } });
  expect(attempt.kept?.answer).toMatchObject({ body: "風風", truncated: true, bytes: 30 });
  const bare = await ask(send("風", headers), { keep: { bodyBytes: 0 } });
  expect(Object.keys(bare.attempt.kept?.answer ?? {})).toEqual(["headers"]);
});

test("columns take what they name: fields, headers, one value, several, none", async () => {
  const columns = [
    "id",
    "status",
    "bytes",
    "header.x-page",
    "$.n",
    "$.list",
    "$.list[*]",
    "$.none",
  ];
  const answers = save("csv", { columns: columns.map((source) => ({ name: source, source })) });
  const body = '{"n":12345678901234567890,"list":["a","b,\\"c"]}';
  const { saved } = await ask(send(body, { ...JSON_TYPE, "x-page": "1,2" }), answers);
  const list = '"[""a"",""b,\\""c""]"';
  expect(saved).toBe(`a,200,${body.length},"1,2",12345678901234567890,${list},${list},\n`);
});

test("an answer that nothing can save ends the attempt as if its worker had ended", async () => {
  const http = new HttpClient();
  const server = createServer((_request, response) => void response.end(Buffer.alloc(2_000_000)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await http.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const lost: unknown[] = [];
  const blocked = join(temporaryFolder(), "file");
  writeFileSync(blocked, "");
  const desk = new AnswerDesk(openFolderAnswers(blocked), (error) => lost.push(error));
  const call = { id: "a", url: origin };
  const task = {
    call,
    chunk: { message: { run: "r", policy: makePolicy() } },
  } as unknown as CallTask;
  const attempt = await new Promise<Attempt>((resolve) => {
    const request = { origin, path: "/", method: "GET" as const, headers: [], body: null };
    http.start(request, http.pools(ALLOW), 20_000, 0, resolve, desk.reading(task, save("files")));
  });
  expect(attempt).toMatchObject({ isCut: true, end: { kind: "timeout", sent: true } });
  expect(lost).toMatchObject([{ code: "answers" }]);
});
