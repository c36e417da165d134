import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { readConfig } from "../../../shared/config/read-config.ts";
import { folderWith } from "./config-files.ts";

/** The error of this text, with the file's name alone. */
function errorOf(text: string): string {
  const folder = folderWith({ "c.yaml": text });
  try {
    readConfig(join(folder, "c.yaml"));
  } catch (error) {
    expect(error).toMatchObject({ name: "SenpuError", code: "config", exitCode: 2 });
    return (error as Error).message.replaceAll(/[^\s]*c\.yaml/g, "c.yaml");
  }
  throw new Error("nothing was wrong with it");
}

/** A lane `a` with these fields, from the third line on. */
const lane = (fields: string): string => `lanes:\n  a:\n    match: https://a/**\n    ${fields}\n`;

const WRONG: readonly (readonly [what: string, text: string, error: string])[] = [
  ["an unknown key", "lane: {}", "c.yaml:1:1 lane: is not known; did you mean lanes?"],
  [
    "an unknown key of a lane",
    lane("concurency: 4"),
    "c.yaml:4:5 lanes.a.concurency: is not known; did you mean concurrency?",
  ],
  [
    "an unknown key of a worker",
    lane("worker: { lambda: { memmory: 1GB } }"),
    "c.yaml:4:25 lanes.a.worker.lambda.memmory: is not known; did you mean memory?",
  ],
  [
    "an unknown worker",
    lane("worker: ec2"),
    'c.yaml:4:5 lanes.a.worker: "ec2" is not allowed; lambda, fargate, or an object with one of them and its settings',
  ],
  [
    "two workers",
    lane("worker: { lambda: {}, fargate: {} }"),
    "c.yaml:4:5 lanes.a.worker: has both; one of lambda and fargate makes the lane's calls",
  ],
  [
    "no worker",
    lane("worker: {}"),
    "c.yaml:4:5 lanes.a.worker: is empty; one of lambda and fargate makes the lane's calls",
  ],
  [
    "one function at a time",
    lane("worker: { lambda: { maxConcurrency: 1 } }"),
    "c.yaml:4:25 lanes.a.worker.lambda.maxConcurrency: 1 is not allowed; Lambda's event source takes 2 to 1000; give the lane concurrency: 1 for one call at a time over all functions, or a fargate worker with tasks: { max: 1 }",
  ],
  [
    "too many functions",
    lane("worker: { lambda: { maxConcurrency: 1001 } }"),
    "c.yaml:4:25 lanes.a.worker.lambda.maxConcurrency: 1001 is not allowed; Lambda's event source takes 2 to 1000",
  ],
  [
    "too much memory",
    lane("worker: { lambda: { memory: 11GB } }"),
    'c.yaml:4:25 lanes.a.worker.lambda.memory: "11GB" is not allowed; a size from 128MB to 10240MB',
  ],
  [
    "memory without a unit",
    lane("worker: { lambda: { memory: 512 } }"),
    "c.yaml:4:25 lanes.a.worker.lambda.memory: 512 is not allowed; a size such as 512MB or 2GB",
  ],
  [
    "a function's timeout that a crash would take long to be found out after",
    lane("worker: { lambda: { timeout: 3m } }"),
    'c.yaml:4:25 lanes.a.worker.lambda.timeout: "3m" is not allowed; a duration from 1s to 2m, such as 500ms, 10s, 5m or 2h',
  ],
  [
    "a part of a second",
    lane("worker: { lambda: { timeout: 1500ms } }"),
    'c.yaml:4:25 lanes.a.worker.lambda.timeout: "1500ms" is not allowed; AWS wants whole seconds',
  ],
  [
    "a function shorter than the lane's calls need",
    lane("worker: { lambda: { timeout: 40s } }"),
    "c.yaml:4:25 lanes.a.worker.lambda.timeout: 40s is too short for a call of 30s (the lane's timeout); at least 52s",
  ],
  [
    "calls longer than any function's",
    lane("timeout: 90s"),
    "c.yaml:4:5 lanes.a.timeout: a call of 90s (the lane's timeout) needs a function of 152s, and senpu's take at most 2m; use fargate, or a timeout of at most 70s",
  ],
  [
    "a large batch without a window",
    lane("worker: { lambda: { batch: 100 } }"),
    "c.yaml:4:25 lanes.a.worker.lambda.batch: 100 is more than 10, which Lambda gathers in a window only; give window: 1s or more",
  ],
  [
    "a visibility shorter than a function needs",
    lane("visibility: 2m"),
    "c.yaml:4:5 lanes.a.visibility: 2m is too short for a function of 1m; at least 6m, six times that and its window",
  ],
  [
    "a visibility shorter than a task's renewals",
    lane("worker: fargate\n    visibility: 20s"),
    "c.yaml:5:5 lanes.a.visibility: 20s is too short for a task, which renews it every ten seconds; at least 30s",
  ],
  [
    "vCPUs that Fargate has not",
    lane("worker: { fargate: { cpu: 3 } }"),
    "c.yaml:4:26 lanes.a.worker.fargate.cpu: 3 is not allowed; vCPUs as Fargate has them: 0.25, 0.5, 1, 2, 4, 8 or 16",
  ],
  [
    "memory that does not go with the vCPUs",
    lane("worker: { fargate: { cpu: 8, memory: 18GB } }"),
    "c.yaml:4:34 lanes.a.worker.fargate.memory: 18432MB does not go with 8 vCPU on Fargate; 16GB to 60GB in steps of 4GB",
  ],
  [
    "more tasks at the least than at the most",
    lane("worker: { fargate: { tasks: { min: 3 } } }"),
    "c.yaml:4:35 lanes.a.worker.fargate.tasks.min: 3 is more than max, 2; a smaller one",
  ],
  [
    "a grace longer than AWS's",
    lane("worker: { fargate: { grace: 3m } }"),
    'c.yaml:4:26 lanes.a.worker.fargate.grace: "3m" is not allowed; a duration from 2s to 2m, such as 500ms, 10s, 5m or 2h',
  ],
  [
    "a grace shorter than the lane's calls",
    lane("worker: { fargate: { grace: 30s } }"),
    "c.yaml:4:26 lanes.a.worker.fargate.grace: 30s is too short for a call of 30s (the lane's timeout) to end; at least 40s",
  ],
  [
    "receives that throttles would use up",
    lane("maxReceives: 3"),
    "c.yaml:4:5 lanes.a.maxReceives: 3 is not allowed; a whole number from 5 to 1000",
  ],
  [
    "a retention that leaves no time in the dead queue",
    lane("retention: 14d"),
    'c.yaml:4:5 lanes.a.retention: "14d" is not allowed; a duration from 1h to 13d, such as 500ms, 10s, 5m or 2h',
  ],
  [
    "a lane without match",
    "lanes: { a: {} }",
    "c.yaml:1:10 lanes.a.match: is missing; a glob over whole URLs, such as https://api.example.com/**",
  ],
  [
    "a lane named like another queue of one",
    "lanes: { a-dead: { match: https://a/** } }",
    `c.yaml:1:10 lanes.a-dead: "a-dead" is not allowed; a lane's name does not end in -failed or -dead, as names of its other queues do`,
  ],
  [
    "the same pattern twice",
    `${lane("rate: 1/s")}  b:\n    match: [https://b/**, https://a/**]`,
    `c.yaml:6:27 lanes.b.match[1]: "https://a/**" is lane a's already, and the first lane takes the call; it stands first at c.yaml:3:5`,
  ],
  [
    "a pattern that an earlier lane covers",
    `${lane("rate: 1/s")}  b:\n    match: https://a/v1/**`,
    `c.yaml:6:5 lanes.b.match: "https://a/v1/**" takes no call, as lane a before it takes all of "https://a/**"; it stands first at c.yaml:3:5`,
  ],
  [
    "more lanes than a filter policy names",
    `lanes:\n${Array.from({ length: 150 }, (_, n) => `  l${n}: { match: "https://${n}/**" }\n`).join("")}`,
    "c.yaml:1:1 lanes: 151 lanes with default are more than one filter policy of SNS can name; at most 150",
  ],
  ["an empty file", "", "c.yaml: the file is empty; declare lanes, or remove it"],
  [
    "a lane's secret without a store",
    "lanes: {crm: {match: 'https://a/**', auth: {bearer: '${secret:crm/token}'}}}",
    "c.yaml:1:38 lanes.crm.auth: names secret crm/token, and no store is declared; give secrets: { store: ssm }",
  ],
  [
    "only comments",
    "# later\n",
    "c.yaml: null is not allowed; an object with lanes, secrets, total",
  ],
  ["a key twice", "lanes: {}\nlanes: {}", "c.yaml:2:1 this key stands twice"],
  ["a tag", "lanes: !include x", "c.yaml:1:8 tags (!…) are not known in a configuration"],
];

test.each(WRONG)("%s is refused, with its place and what would be right", (_, text, error) => {
  expect(errorOf(text)).toBe(error);
});

test("everything that is wrong is told at once, from the top down", () => {
  const text = `${lane("concurrency: 0")}    maxReceives: 1\ntotal: {}`;
  expect(errorOf(text).split("\n")).toEqual([
    expect.stringMatching(/^c\.yaml:4:5 lanes\.a\.concurrency: 0 /),
    expect.stringMatching(/^c\.yaml:5:5 lanes\.a\.maxReceives: 1 /),
    expect.stringMatching(/^c\.yaml:6:1 total: limits nothing/),
  ]);
});

test("a wider pattern behind a narrower one is what an order is for", () => {
  const folder = folderWith({
    "c.yaml":
      "lanes: { writes: { match: https://a/w/** }, reads: { match: [https://a/**, https://b] } }",
  });
  expect(readConfig(join(folder, "c.yaml")).lanes).toHaveLength(3);
});

test.each([
  ["a file that is not there", "none.yaml", "there is no such file"],
  ["a folder", "folder", "is a folder"],
])("%s is said to be so", (_, name, error) => {
  const folder = folderWith({ "folder/x": "" });
  expect(() => readConfig(join(folder, name))).toThrow(`${basename(folder)}/${name}: ${error}`);
});
