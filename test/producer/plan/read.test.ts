import { hash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { planFromObject, readPlan } from "../../../producer/plan/read.ts";
import { callsOf, entriesOf, makeFolder, readFiles } from "./plan-files.ts";

const FULL = `
name: crm-nightly
lanes:
  crm:
    match: "https://api.example.com/**"
    concurrency: 8
    rate: 20/s
defaults:
  headers: { Accept: application/json }
  timeout: 3s
  deadline: 2h
retry:
  attempts: 7
  backoff: { first: 250ms, factor: 3, max: 1m, jitter: none }
  on: [503, network]
  unsafe: true
success: [2xx, 404]
redirects: 0
allow: [127.0.0.1, 10.0.0.0/8]
tolerance: 5%
calls:
  - https://api.example.com/health#top
  - id: a1
    method: POST
    url: https://api.example.com/items
    json: { name: first }
    headers: { X-Trace: 7 }
    timeout: 1.5s
from: customers.csv
each:
  id: "{{ customer_id }}"
  method: PUT
  url: "https://other.example.org/customers/{{ customer_id }}"
  json: { active: "{{ active | bool }}", name: "Mr {{ name }}" }
`;
const CSV = `\ufeffcustomer_id,active,name\r\n17,true,"O""Neil, Ann"\r\n18,no,\r\n`;

describe("a YAML plan", () => {
  test("gives its settings", async () => {
    const plan = await readFiles({ "plan.yaml": FULL, "customers.csv": CSV });
    expect(plan).toMatchObject({
      name: "crm-nightly",
      lanes: [
        {
          name: "crm",
          match: ["https://api.example.com/**"],
          concurrency: 8,
          rate: { count: 20, perMs: 1_000 },
        },
        { name: "default", match: [], concurrency: 64 },
      ],
      policy: {
        timeoutMs: 3_000,
        retry: {
          attempts: 7,
          backoff: { firstMs: 250, factor: 3, maxMs: 60_000, jitter: "none" },
          on: [503, "network"],
          unsafe: true,
        },
        success: ["2xx", 404],
        redirects: 0,
        headers: { accept: "application/json" },
        allow: ["127.0.0.1", "10.0.0.0/8"],
      },
      deadlineMs: 7_200_000,
      tolerance: 0.05,
      knownCalls: null,
    });
  });

  test("gives its calls, then one for each row", async () => {
    const plan = await readFiles({ "plan.yaml": FULL, "customers.csv": CSV });
    expect(await entriesOf(plan)).toEqual([
      { call: { id: expect.any(String), url: "https://api.example.com/health" }, lane: "crm" },
      {
        call: {
          id: "a1",
          method: "POST",
          url: "https://api.example.com/items",
          json: '{"name":"first"}',
          headers: { "x-trace": "7" },
          timeoutMs: 1_500,
        },
        lane: "crm",
      },
      {
        call: {
          id: "17",
          method: "PUT",
          url: "https://other.example.org/customers/17",
          json: '{"active":true,"name":"Mr O\\"Neil, Ann"}',
        },
        lane: "default",
      },
      {
        call: {
          id: "18",
          method: "PUT",
          url: "https://other.example.org/customers/18",
          json: '{"active":false,"name":"Mr "}',
        },
        lane: "default",
      },
    ]);
  });

  test("tells the digests of its own bytes and of its rows", async () => {
    const plan = await readFiles({ "plan.yaml": FULL, "customers.csv": CSV });
    expect(plan.source).toMatchObject({
      shown: "plan.yaml",
      digest: hash("sha256", FULL),
      rows: { path: expect.stringMatching(/\/customers\.csv$/), digest: hash("sha256", CSV) },
    });
  });

  test("has the contract's defaults where it says nothing", async () => {
    const plan = await readFiles({ "nightly.yml": "calls: [https://a.example]" });
    expect(plan).toMatchObject({
      name: "nightly",
      lanes: [{ name: "default", match: [], concurrency: 64 }],
      policy: {
        timeoutMs: 10_000,
        retry: {
          attempts: 5,
          backoff: { firstMs: 500, factor: 2, maxMs: 30_000, jitter: "full" },
          on: [408, 425, 429, 500, 502, 503, 504, "network", "timeout"],
          unsafe: false,
        },
        success: ["2xx"],
        redirects: 5,
        headers: {},
        allow: [],
      },
      deadlineMs: 86_400_000,
      tolerance: null,
      knownCalls: 1,
    });
    expect(plan.lanes[0]).not.toHaveProperty("rate");
  });

  test("is frozen through and through", async () => {
    const plan = await readFiles({ "plan.yaml": FULL, "customers.csv": CSV });
    const parts = [plan, plan.lanes, plan.lanes[0], plan.policy.retry.backoff, plan.source.rows];
    expect(parts.every((part) => Object.isFrozen(part))).toBe(true);
  });

  test("may use aliases and merge keys", async () => {
    const plan = await readFiles({
      "plan.yaml": `
calls:
  - &base { url: "https://a.example/1", headers: { a: "1" } }
  - { <<: *base, url: "https://a.example/2" }
  - *base
`,
    });
    const calls = await callsOf(plan);
    expect(calls.map(({ url, headers }) => [url, headers])).toEqual([
      ["https://a.example/1", { a: "1" }],
      ["https://a.example/2", { a: "1" }],
      ["https://a.example/1", { a: "1" }],
    ]);
    expect(calls[2]?.id).toBe(`${calls[0]?.id}-2`);
  });
});

describe("other formats", () => {
  test("JSON is read like YAML", async () => {
    const plan = await readFiles({
      "plan.json": JSON.stringify({
        $schema: "./plan.schema.json",
        calls: ["https://a.example/x"],
      }),
    });
    expect((await callsOf(plan))[0]?.url).toBe("https://a.example/x");
  });

  test("JSON Lines are a call a line", async () => {
    const plan = await readFiles({
      "calls.jsonl": `\ufeff"https://a.example/1"\r\n\n{"id": 7, "url": "https://a.example/2", "body": "b"}`,
    });
    expect(plan).toMatchObject({ name: "calls", knownCalls: null });
    expect(await callsOf(plan)).toEqual([
      { id: expect.any(String), url: "https://a.example/1" },
      { id: "7", url: "https://a.example/2", body: "b" },
    ]);
  });

  test("a text file is a URL a line, without remarks", async () => {
    const plan = await readFiles({
      "urls.txt": "# all of them\n\nhttps://a.example/1\n  https://a.example/2  \n",
    });
    expect((await callsOf(plan)).map(({ url }) => url)).toEqual([
      "https://a.example/1",
      "https://a.example/2",
    ]);
  });

  test("an object is checked like a file, its rows relative to a folder", async () => {
    const folder = makeFolder({ "rows.jsonl": '{"n": 1}\n{"n": 2}\n' });
    const plan = await planFromObject(
      { from: "rows.jsonl", each: { url: "https://a.example/{{ n }}" } },
      { baseDir: folder },
    );
    expect((await callsOf(plan)).map(({ url }) => url)).toEqual([
      "https://a.example/1",
      "https://a.example/2",
    ]);
    await expect(planFromObject({ calls: [] }, { baseDir: folder })).rejects.toThrow(
      "plan: the plan has no calls",
    );
  });
});

async function readInput(folder: string, text: string, lines: number[] = []) {
  return readPlan({
    path: "-",
    spoolDir: join(folder, "spool"),
    runId: "run-1",
    stdin: Readable.from([Buffer.from(text.slice(0, 10)), Buffer.from(text.slice(10))]),
    onProgress: (count) => lines.push(count),
  });
}

describe("standard input", () => {
  const LINES = '{"id":"a","url":"https://a.example/1"}\n"https://a.example/2"\n';

  test("is kept in the spool folder, and read from there again with the same ids", async () => {
    const folder = makeFolder({});
    const lines: number[] = [];
    const plan = await readInput(folder, LINES, lines);
    const path = join(folder, "spool", "run-1.jsonl");
    expect(plan).toMatchObject({ name: "stdin", source: { path, shown: "-" } });
    expect(readFileSync(path, "utf8")).toBe(LINES);
    expect(lines).toEqual([0, 2]);
    const again = await readPlan({ path, spoolDir: folder, runId: "run-1" });
    expect(again.source.digest).toBe(plan.source.digest);
    expect(await entriesOf(again)).toEqual(await entriesOf(plan));
  });

  test("leaves nothing half written behind", async () => {
    const folder = makeFolder({});
    await readInput(folder, LINES);
    expect(readdirSync(join(folder, "spool"))).toEqual(["run-1.jsonl"]);
  });

  test("that breaks off is no plan, and leaves no copy", async () => {
    const folder = makeFolder({});
    const broken = Readable.from(
      (async function* () {
        yield Buffer.from(LINES);
        await Promise.resolve();
        throw new Error("pipe broken");
      })(),
    );
    const reading = readPlan({ path: "-", spoolDir: folder, runId: "r", stdin: broken });
    await expect(reading).rejects.toThrow("pipe broken");
    expect(existsSync(join(folder, "r.jsonl"))).toBe(false);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("with a run's id that is taken is accepted when it is the same, and refused when not", async () => {
    const folder = makeFolder({});
    mkdirSync(join(folder, "spool"));
    await readInput(folder, LINES);
    await expect(readInput(folder, LINES)).resolves.toBeDefined();
    await expect(readInput(folder, `${LINES}"https://a.example/3"\n`)).rejects.toThrow(
      /^standard input differs from what run run-1 was given before/,
    );
    expect(readFileSync(join(folder, "spool", "run-1.jsonl"), "utf8")).toBe(LINES);
  });
});

describe("options", () => {
  const LANES = `
lanes:
  slow: { match: "https://slow.example/**", concurrency: 2, rate: 1/s }
  fast: { match: "https://fast.example/**", concurrency: 90 }
calls: [https://a.example]
`;

  test("the command line's concurrency and rate bound every lane from above", async () => {
    const plan = await readFiles(
      { "plan.yaml": LANES },
      { overrides: { name: "tried", concurrency: 10, rate: { count: 120, perMs: 60_000 } } },
    );
    expect(plan.name).toBe("tried");
    expect(plan.lanes.map(({ name, concurrency, rate }) => [name, concurrency, rate])).toEqual([
      ["slow", 2, { count: 1, perMs: 1_000 }],
      ["fast", 10, { count: 120, perMs: 60_000 }],
      ["default", 10, { count: 120, perMs: 60_000 }],
    ]);
  });

  test("--allow adds to what the plan allows", async () => {
    const plan = await readFiles(
      { "plan.yaml": "allow: [localhost]\ncalls: [https://a.example]" },
      { allow: ["::1", "localhost", "10.0.0.0/8"] },
    );
    expect(plan.policy.allow).toEqual(["localhost", "::1", "10.0.0.0/8"]);
  });

  test("an --allow that is no host is a mistake of usage", async () => {
    const reading = readFiles({ "a.txt": "https://a.example" }, { allow: ["10.0.0.0/99"] });
    await expect(reading).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(/^--allow "10\.0\.0\.0\/99": /),
    });
  });
});
