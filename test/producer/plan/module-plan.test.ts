import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readPlan } from "../../../producer/plan/read.ts";
import type { Plan } from "../../../producer/plan/plan.ts";
import type { Call, Settings } from "../../../senpu.ts";
import { callsOf, invalidOf, makeFolder } from "./plan-files.ts";

let modules = 0;

/** The plan that is this module, under a name of its own: a module is loaded once in a process. */
function readModule(text: string, folder = makeFolder({})): Promise<Plan> {
  const name = `m${++modules}.ts`;
  writeFileSync(join(folder, name), text);
  const spoolDir = join(folder, "spool");
  return readPlan({ path: join(folder, name), shown: "m.ts", spoolDir, runId: "run-1" });
}

test("calls and settings are typed", () => {
  const calls: Call[] = ["https://a.example/", { url: "https://a.example/", json: { a: 1 } }];
  const settings: Settings = { name: "x", lanes: { a: { match: "https://a/**", rate: "5/s" } } };
  // @ts-expect-error -- no such method
  calls.push({ url: "https://a.example/", method: "FETCH" });
  // @ts-expect-error -- no such setting
  settings.speed = 5;
});

test("a module's generator yields the calls, and its export plan says the rest", async () => {
  const plan = await readModule(`import type { Call, Settings } from "senpu";
    export const plan: Settings = {
      name: "mine", lanes: { a: { match: "https://a.example/**", rate: "5/s" } }, defaults: { timeout: "3s" },
    };
    export default async function* (): AsyncIterable<Call> {
      yield "https://a.example/1";
      yield { id: "x", method: "POST", url: "https://b.example/", json: { day: new Date(0) } };
    }`);
  expect(plan.name).toBe("mine");
  expect(plan.policy.timeoutMs).toBe(3_000);
  expect(plan.lanes.map(({ name }) => name)).toEqual(["a", "default"]);
  expect(await callsOf(plan)).toEqual([
    { id: expect.any(String), url: "https://a.example/1" },
    {
      id: "x",
      method: "POST",
      url: "https://b.example/",
      json: '{"day":"1970-01-01T00:00:00.000Z"}',
    },
  ]);
});

test.each([
  ["a list", "export default ['https://a.example/1'];"],
  ["a promise of a list", "export default async () => ['https://a.example/1'];"],
  ["a generator", "export default function* () { yield 'https://a.example/1'; }"],
])("%s will do as well", async (_name, text) => {
  expect(await callsOf(await readModule(text))).toHaveLength(1);
});

test("what is no call is one that failed, told by its number", async () => {
  const plan = await readModule("export default ['https://a.example/1', { nope: 1 }];");
  expect(await invalidOf(plan)).toEqual([
    expect.objectContaining({ error: expect.stringMatching(/^m\.ts call 2: url: is missing/) }),
  ]);
});

test("it is run once: what is read again is what was kept, and no code", async () => {
  const folder = makeFolder({});
  const plan = await readModule(
    `import { appendFileSync } from "node:fs";
    export default function* () {
      appendFileSync(${JSON.stringify(join(folder, "ran"))}, "x");
      yield "https://a.example/" + Math.random();
    }`,
    folder,
  );
  const first = await callsOf(plan);
  expect(await callsOf(plan)).toEqual(first);
  const { path } = plan.source;
  expect(path).toBe(join(folder, "spool", "run-1.jsonl"));
  const again = await readPlan({ path, spoolDir: folder, runId: "run-1" });
  expect(await callsOf(again)).toEqual(first);
  expect(again.source.digest).toBe(plan.source.digest);
});

test("a run that exists does not take other calls than it had", async () => {
  const folder = makeFolder({});
  await readModule("export default ['https://a.example/1'];", folder);
  await expect(readModule("export default ['https://a.example/2'];", folder)).rejects.toThrow(
    /^m\.ts differs from what run run-1 was given before/,
  );
});

test.each([
  [
    "throws",
    "\nexport default function* () {\n  yield 'https://a/';\n  throw new Error('down');\n}",
    "m.ts:4:9: down, after call 1",
  ],
  ["throws at once", "type A = string;\nthrow new Error('early');", "m.ts:2:7: early"],
  [
    "has no default export",
    "export const plan = {};",
    "m.ts: a module's default export is a function that yields calls",
  ],
  ["exports no calls", "export default 5;", "m.ts: 5 yields no calls"],
  ["yields nothing", "export default [];", "m.ts: the plan has no calls"],
  [
    "yields undefined",
    "export default ['https://a/', undefined];",
    "m.ts call 2: undefined is no call",
  ],
  [
    "yields no JSON",
    "export default [{ url: 'https://a/', json: 5n }];",
    "m.ts: Do not know how to serialize a BigInt, after call 1",
  ],
  [
    "has bad settings",
    "export const plan = { name: 5 };\nexport default ['https://a/'];",
    "m.ts plan name: 5 is not allowed; text",
  ],
])("a module that %s is told, with its line", async (_name, text, said) => {
  const folder = makeFolder({});
  await expect(readModule(text, folder)).rejects.toMatchObject({
    code: "plan",
    message: expect.stringContaining(said),
  });
  const spool = join(folder, "spool");
  expect(
    existsSync(spool) ? readdirSync(spool).filter((name) => name.includes("partial")) : [],
  ).toEqual([]);
});
