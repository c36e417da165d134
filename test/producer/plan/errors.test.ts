import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readPlan } from "../../../producer/plan/read.ts";
import { makeFolder, readFiles } from "./plan-files.ts";

const FORMATS =
  "plan is a .yaml, .yml, .json, .jsonl or .txt file, a .ts or .js module that yields calls, or - for JSON Lines on standard input";
const DURATION_RIGHT = "such as 500ms, 10s, 5m or 2h";
const ROOT =
  "an object with name, lanes, total, defaults, retry, breaker, success, expect, keep, save, redirects, allow, proxy, tolerance, trace, onSettled, calls, from, each";

/** What a plan says, and what is said of it. */
const CASES: readonly (readonly [name: string, file: string, text: string, said: string])[] = [
  ["an empty file", "p.yaml", "", "p.yaml: the file is empty"],
  ["a blank file", "p.json", " \n", "p.json: the file is empty"],
  ["blank lines only", "p.jsonl", "\n\n", "p.jsonl: the plan has no calls"],
  ["remarks only", "p.txt", "# soon\n", "p.txt: the plan has no calls"],
  ["YAML remarks only", "p.yaml", "# soon\n", `p.yaml: null is not allowed; ${ROOT}`],
  ["a list for a plan", "p.yaml", "- a\n", `p.yaml:1:1 ["a"] is not allowed; ${ROOT}`],
  [
    "a NUL byte",
    "p.yaml",
    "calls: \0",
    "p.yaml: the file is not text: byte 8 is NUL; plans and rows are UTF-8",
  ],
  [
    "rows for a plan",
    "p.csv",
    "a,b",
    `p.csv: rows alone are no plan; name them under from in one. A ${FORMATS}`,
  ],
  ["an unknown ending", "p.toml", "a", `p.toml: the ending ".toml" is not known; a ${FORMATS}`],
  [
    "no calls",
    "p.yaml",
    "name: x",
    "p.yaml:1:1 the plan has no calls; list them under calls, or name a file of rows under from",
  ],
  [
    "an empty list of calls",
    "p.yaml",
    "calls: []",
    "p.yaml:1:1 the plan has no calls; list them under calls, or name a file of rows under from",
  ],
  ["broken YAML", "p.yaml", "a: 'b\nc: [", "p.yaml:2:5 broken YAML: Missing closing 'quote"],
  [
    "a key twice in YAML",
    "p.yaml",
    "lanes:\n  a: {match: '**'}\n  a: {match: '**'}",
    "p.yaml:3:3 this key stands twice",
  ],
  [
    "a key twice in JSON",
    "p.json",
    '{"lanes": {"a": {},\n "a": {}}}',
    'p.json:2:2 "a" stands twice',
  ],
  [
    "two documents",
    "p.yaml",
    "name: a\n---\nname: b",
    "p.yaml:2:1 a second document begins here; a plan is one",
  ],
  ["a tag", "p.yaml", "name: !include x", "p.yaml:1:7 tags (!…) are not known in a plan"],
  [
    "an alias of nothing",
    "p.yaml",
    "calls: *x",
    "p.yaml:1:8 nothing is anchored as &x before this alias",
  ],
  [
    "an alias that contains itself",
    "p.yaml",
    "calls: &x [*x]",
    "p.yaml:1:12 the alias *x contains itself",
  ],
  [
    "aliases that multiply",
    "p.yaml",
    bomb(),
    "p.yaml: aliases multiply without measure; write the values out",
  ],
  [
    "depth in YAML",
    "p.yaml",
    "calls: ".concat("[".repeat(20_000)),
    "p.yaml: values stand too deeply within each other",
  ],
  [
    "broken JSON",
    "p.json",
    '{"calls": [\n "https://a" "b"]}',
    "p.json:2:14 broken JSON: Expected ',' or ']' after array element",
  ],
  [
    "a bare word in JSON",
    "p.json",
    '{\n  "calls": [abc]}',
    "p.json:2:13 broken JSON: Unexpected token 'a'",
  ],
  [
    "JSON that stops",
    "p.json",
    '{"calls":',
    "p.json:1:10 broken JSON: Unexpected end of JSON input",
  ],
  ["an unknown key", "p.yaml", "call: []", "p.yaml:1:1 call: is not known; did you mean calls?"],
  [
    "a key like no other",
    "p.yaml",
    "calls: [{url: 'https://a', colour: red}]",
    "p.yaml:1:28 calls[0].colour: is not known; known are id, method, url, headers, json, body, timeout",
  ],
  [
    "a negative limit",
    "p.yaml",
    "lanes:\n  crm:\n    match: https://a/**\n    concurrency: -1\ncalls: [https://a]",
    "p.yaml:4:5 lanes.crm.concurrency: -1 is not allowed; a whole number from 1 to 100000",
  ],
  [
    "zero attempts in JSON",
    "p.json",
    '{"calls": ["https://a"],\n "retry": {"attempts": 0}}',
    "p.json:2:12 retry.attempts: 0 is not allowed; a whole number from 1 to 100",
  ],
  [
    "a rate of zero",
    "p.yaml",
    "lanes: {a: {match: '**', rate: 0/s}}\ncalls: [https://a]",
    'p.yaml:1:26 lanes.a.rate: "0/s" is not allowed; a rate of at most 100000/s, such as 20/s, 300/m or 1000/h',
  ],
  [
    "a number for a rate",
    "p.yaml",
    "lanes: {a: {match: '**', rate: 20}}\ncalls: [https://a]",
    "p.yaml:1:26 lanes.a.rate: 20 is not allowed; a rate of at most 100000/s, such as 20/s, 300/m or 1000/h",
  ],
  [
    "a lane's name",
    "p.yaml",
    "lanes: {Crm: {match: '**'}}\ncalls: [https://a]",
    `p.yaml:1:9 lanes.Crm: "Crm" is not allowed; a lane's name is of a–z, 0–9 and -, at most 40 characters`,
  ],
  [
    "a lane without match",
    "p.yaml",
    "lanes: {crm: {}}\ncalls: [https://a]",
    "p.yaml:1:9 lanes.crm.match: is missing; a glob over whole URLs, such as https://api.example.com/**",
  ],
  [
    "a default lane with match",
    "p.yaml",
    "lanes: {default: {match: '**'}}\ncalls: [https://a]",
    "p.yaml:1:19 lanes.default.match: the lane default takes what no other matches; leave match out",
  ],
  [
    "a glob without scheme",
    "p.yaml",
    "lanes: {a: {match: a.example/**}}\ncalls: [https://a]",
    'p.yaml:1:13 lanes.a.match: "a.example/**" has no scheme; a glob over whole URLs, such as https://api.example.com/**',
  ],
  [
    "a number for a duration",
    "p.yaml",
    "defaults: {timeout: 10}\ncalls: [https://a]",
    `p.yaml:1:12 defaults.timeout: 10 is not allowed; a duration from 1ms to 1h, ${DURATION_RIGHT}`,
  ],
  [
    "a duration too long",
    "p.yaml",
    "defaults: {deadline: 15d}\ncalls: [https://a]",
    `p.yaml:1:12 defaults.deadline: "15d" is not allowed; a duration from 1s to 14d, ${DURATION_RIGHT}`,
  ],
  [
    "a retry on what is no status",
    "p.yaml",
    "retry: {on: [slow]}\ncalls: [https://a]",
    'p.yaml:1:14 retry.on[0]: "slow" is not allowed; a status from 100 to 599, network, refused, reset, dns, timeout or expect',
  ],
  [
    "a success that is no status",
    "p.yaml",
    "success: [2x]\ncalls: [https://a]",
    'p.yaml:1:11 success[0]: "2x" is not allowed; a status from 100 to 599, or a class of them such as 2xx',
  ],
  [
    "a tolerance over all",
    "p.yaml",
    "tolerance: 101%\ncalls: [https://a]",
    'p.yaml:1:1 tolerance: "101%" is not allowed; a share from 0% to 100%, such as 5%',
  ],
  [
    "an address range",
    "p.yaml",
    "allow: [10.0.0.0/33]\ncalls: [https://a]",
    'p.yaml:1:9 allow[0]: "10.0.0.0/33" is not allowed; a host name, an address or a CIDR range such as localhost, 127.0.0.1 or 10.0.0.0/8',
  ],
];

test.each(CASES)("%s is told", async (_name, file, text, said) => {
  const reading = readFiles({ [file]: text });
  await expect(reading).rejects.toMatchObject({ code: "plan", message: said });
});

test("several mistakes are told at once, from the top down", async () => {
  const reading = readFiles({
    "p.yaml":
      "retries: 3\nredirects: -1\nlanes: { a: { match: '**', concurrency: 0 } }\ncalls: [a.example]",
  });
  await expect(reading).rejects.toThrow(
    [
      "p.yaml:1:1 retries: is not known; did you mean retry?",
      "p.yaml:2:1 redirects: -1 is not allowed; a whole number from 0 to 20",
      "p.yaml:3:28 lanes.a.concurrency: 0 is not allowed; a whole number from 1 to 100000",
      'p.yaml:4:9 calls[0]: "a.example" has no scheme; did you mean https://a.example?',
    ].join("\n"),
  );
});

test("past ten mistakes only their number is told", async () => {
  const calls = Array.from({ length: 13 }, () => "  - a.example").join("\n");
  await expect(readFiles({ "p.yaml": `calls:\n${calls}` })).rejects.toThrow(
    /^(p\.yaml:.*\n){10}and 3 more$/,
  );
});

test("a missing file and a folder are told by their whole path", async () => {
  const folder = makeFolder({});
  mkdirSync(join(folder, "d.yaml"));
  const options = { spoolDir: folder, runId: "r" };
  await expect(
    readPlan({ ...options, path: join(folder, "n.yaml"), shown: "n.yaml" }),
  ).rejects.toThrow(`n.yaml: there is no file ${folder}/n.yaml`);
  await expect(
    readPlan({ ...options, path: join(folder, "d.yaml"), shown: "d.yaml" }),
  ).rejects.toThrow(`d.yaml: ${folder}/d.yaml is a folder`);
});

test("bytes that are no UTF-8 are told", async () => {
  await expect(readFiles({ "p.txt": Buffer.from([104, 0xe9, 10]) })).rejects.toThrow(
    "p.txt: the file is not text: byte 2, in line 1, is 0xe9, and not UTF-8; plans and rows are UTF-8",
  );
  await expect(readFiles({ "p.txt": Buffer.from("https://a/é").subarray(0, -1) })).rejects.toThrow(
    "p.txt: the file is not text: its last character is cut off; plans and rows are UTF-8",
  );
});

test("a definition of more than 16 MB is sent to rows", async () => {
  await expect(readFiles({ "p.json": " ".repeat(16_777_217) })).rejects.toThrow(
    "p.json: has 16777217 bytes; at most 16777216: put the rows into CSV or JSON Lines and name them under from",
  );
});

test("a value too deep for JSON is told", async () => {
  const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
  await expect(
    readFiles({ "p.json": `{"calls": [{"url": "https://a", "json": ${deep}}]}` }),
  ).rejects.toThrow("values stand too deeply within each other");
});

const EACH = "each: {url: 'https://a/{{ id }}'}";

const ROW_FILES: readonly (readonly [
  name: string,
  rows: string | Buffer | undefined,
  said: string,
])[] = [
  ["missing", undefined, 'from: "rows.csv": there is no file '],
  ["empty", "", 'from: "rows.csv": the file is empty'],
  [
    "binary",
    Buffer.from([105, 100, 10, 0]),
    'from: "rows.csv": the file is not text: byte 4 is NUL; rows are UTF-8 unless from names their encoding: from: { file: rows.csv, encoding: shift_jis } (or latin1, windows-1252, utf-16le, euc-jp …)',
  ],
  ["with a column twice", "id,id\n1,2", 'from: "rows.csv": names the column "id" twice'],
  ["without a header", "\n\n", 'from: "rows.csv": has no header row'],
  [
    "with a broken header",
    'a,"id"x\n1,2',
    'from: "rows.csv": the header row: text follows a closing quote; a quote within a field is written ""',
  ],
];

test.each(ROW_FILES)("a file of rows that is %s is told", async (_name, rows, said) => {
  const reading = readFiles({
    "p.yaml": `from: rows.csv\n${EACH}`,
    ...(rows === undefined ? {} : { "rows.csv": rows }),
  });
  await expect(reading).rejects.toThrow(`p.yaml:1:1 ${said}`);
});

test("a column that the header lacks is a mistake of the plan, with the nearest one", async () => {
  await expect(
    readFiles({ "p.yaml": `from: rows.csv\n${EACH}`, "rows.csv": "ids,name\n1,a" }),
  ).rejects.toThrow('p.yaml:2:8 each.url: rows.csv has no column "id"; did you mean "ids"?');
});

function bomb(): string {
  const lines = ["a: &a [1,1,1,1,1,1,1,1,1,1]"];
  for (const [name, of] of ["ba", "cb", "dc", "ed"]) {
    lines.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${of}`).join()}]`);
  }
  return lines.join("\n");
}
