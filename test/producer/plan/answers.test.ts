import { join } from "node:path";
import { expect, test } from "vitest";
import { planFromObject } from "../../../producer/plan/read.ts";
import { readFiles } from "./plan-files.ts";

const CALLS = "\ncalls: [https://a]";
const KEEP_RIGHT = "nothing, headers, body, or an object with body, such as { body: 64KB }";
const SOURCE_RIGHT =
  "id, method, url, status, bytes, body, header.NAME, or a JSONPath such as $.name";

const answersOf = async (text: string) =>
  (await readFiles({ "plan.yaml": text + CALLS })).policy.answers;

test("a plan that asks nothing of answers says nothing of them", async () => {
  expect(await answersOf("name: a")).toBeUndefined();
  expect(await answersOf("keep: nothing")).toBeUndefined();
});

test("keep, save and expect are read with their defaults", async () => {
  expect(await answersOf("keep: headers")).toEqual({ keep: { bodyBytes: 0 } });
  expect(await answersOf("keep: body")).toEqual({ keep: { bodyBytes: 65_536 } });
  expect(await answersOf("keep: { body: 2KB }\nexpect: $.ok = true")).toEqual({
    keep: { bodyBytes: 2_048 },
    expect: ["$.ok = true"],
  });
  expect(await answersOf("save: s3://results/nightly/")).toEqual({
    save: { format: "s3", to: "s3://results/nightly/", maxBodyBytes: 1_073_741_824 },
  });
  expect(
    await answersOf("save: { to: a.csv, columns: [id, $.name, header.X-Page], limit: 5MB }"),
  ).toMatchObject({
    save: {
      format: "csv",
      maxBodyBytes: 5_242_880,
      columns: [
        { name: "id", source: "id" },
        { name: "$.name", source: "$.name" },
        { name: "header.x-page", source: "header.x-page" },
      ],
    },
  });
});

test("where answers are saved is relative to the plan", async () => {
  const calls = ["https://a"];
  const options = { baseDir: "/plans/nightly" };
  for (const [to, format] of [
    ["out.jsonl", "jsonl"],
    ["../all", "files"],
    ["answers.d/", "files"],
  ] as const) {
    const plan = await planFromObject({ calls, save: to }, options);
    expect(plan.policy.answers?.save).toMatchObject({
      format,
      to: join(options.baseDir, to).replace(/\/$/, ""),
    });
  }
});

test.each<[string, string]>([
  ["keep: everything", `1:1 keep: "everything" is not allowed; ${KEEP_RIGHT}`],
  [
    "keep: { body: 1GB }",
    '1:9 keep.body: "1GB" is not allowed; a size from 1B to 128KB, such as 64KB',
  ],
  [
    "save: out.xlsx",
    'save: "out.xlsx" ends in .xlsx: a file of all answers ends in .jsonl or .csv; a folder, for a file a call, in /',
  ],
  ["save: s3://b", 'save: "s3://b" names no bucket; s3://bucket/prefix does'],
  [
    "save: out.csv",
    "save: a .csv file needs columns: an object of column names and what stands in them",
  ],
  ["save: { to: a.jsonl, columns: [id] }", "save.columns: only a .csv file has columns"],
  [
    "save: { to: a.csv, columns: [name] }",
    `save.columns[0]: "name" is not allowed; ${SOURCE_RIGHT}`,
  ],
  ["save: { to: a.csv, columns: { n: '$.' } }", 'save.columns.n: "$." is no JSONPath (RFC 9535)'],
  ["expect: ok", 'expect: "ok" asks nothing of the body; a condition on the body'],
  ["expect: [$.a =]", 'expect[0]: "$.a =" is not understood'],
])("%s is told of", async (text, said) => {
  await expect(answersOf(text)).rejects.toThrow(said);
});
