import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { configJsonSchema } from "../../../shared/config/config-schema.ts";
import { readConfig } from "../../../shared/config/read-config.ts";
import { configOf, laneOf } from "./config-files.ts";

const CRM = "lanes:\n  crm:\n    match: https://a.example/**\n";
const lane = (more: string): string => `${CRM}    ${more}`;

test("a lane that says nothing has everything, and default is always there, last", () => {
  const { lanes } = configOf("lanes: { default: {}, crm: { match: https://a.example/** } }");
  const rest = {
    concurrency: 64,
    timeoutMs: 30_000,
    queue: { visibilitySeconds: 360, retentionSeconds: 345_600, maxReceives: 5 },
    worker: {
      kind: "lambda",
      memoryMb: 512,
      timeoutMs: 60_000,
      batchSize: 10,
      windowMs: 0,
      maxConcurrency: 2,
      architecture: "arm64",
    },
    alarms: { failed: 1, dead: 1 },
  };
  expect(lanes).toEqual([
    { name: "crm", match: ["https://a.example/**"], ...rest },
    { name: "default", match: [], ...rest },
  ]);
  expect(configOf("lanes: {}").lanes).toEqual([{ name: "default", match: [], ...rest }]);
});

test("it is frozen, in all its parts", () => {
  const { lanes } = configOf(CRM);
  expect(() => Object.assign(lanes[0]!.worker, { memoryMb: 1 })).toThrow(TypeError);
  expect(() => (lanes as unknown[]).push(1)).toThrow(TypeError);
});

test("limits are written as in a plan, and a total beside them", () => {
  const config = configOf(
    `${lane("concurrency: { min: 2, max: 40 }")}\n    rate: 20/s\n    burst: 5\ntotal: { rate: 100/m }`,
  );
  expect(config.lanes[0]).toMatchObject({
    concurrency: 40,
    minConcurrency: 2,
    rate: { count: 20, perMs: 1_000, burst: 5 },
  });
  expect(config.total).toEqual({ rate: { count: 100, perMs: 60_000 } });
});

describe("what follows from a lane's timeout", () => {
  test.each([
    ["5s", 30_000, 180],
    ["16s", 30_000, 180],
    ["17s", 60_000, 360],
    ["45s", 90_000, 540],
    ["70s", 120_000, 720],
  ])("%s: a function of %i ms, and a visibility of %i s", (timeout, functionMs, visibility) => {
    const { worker, queue } = laneOf(lane(`timeout: ${timeout}`), "crm");
    expect(worker).toMatchObject({ timeoutMs: functionMs });
    expect(queue.visibilitySeconds).toBe(visibility);
  });

  test("the window of a batch adds to the visibility", () => {
    const text = lane("worker: { lambda: { timeout: 60s, window: 20s, batch: 50 } }");
    expect(laneOf(text, "crm").queue.visibilitySeconds).toBe(380);
  });

  test("tasks get the time that a call may take, and renew a visibility of their own", () => {
    const graceOf = (timeout: string) =>
      laneOf(`${lane("worker: fargate")}\n    timeout: ${timeout}`, "crm");
    expect(graceOf("5s")).toMatchObject({
      worker: { kind: "fargate", graceMs: 30_000 },
      queue: { visibilitySeconds: 30 },
    });
    expect(graceOf("50s").worker).toMatchObject({ graceMs: 60_000 });
    expect(graceOf("10m").worker).toMatchObject({ graceMs: 120_000 });
  });
});

test("a lane of many calls in flight gets as many functions as it needs", () => {
  expect(laneOf(lane("concurrency: 1000"), "crm").worker).toMatchObject({ maxConcurrency: 16 });
});

test("a lane of one call at a time is one of at least two functions: the lane's limit holds over them", () => {
  expect(laneOf(lane("concurrency: 1"), "crm")).toMatchObject({
    concurrency: 1,
    worker: { maxConcurrency: 2 },
  });
});

test("a fargate worker has its sizes as AWS names them, and the least memory by default", () => {
  expect(
    laneOf(lane("worker: { fargate: { cpu: 2, tasks: { max: 7 }, spot: true } }"), "crm").worker,
  ).toEqual({
    kind: "fargate",
    cpuUnits: 2_048,
    memoryMb: 4_096,
    minTasks: 0,
    maxTasks: 7,
    backlogPerTask: 20,
    spot: true,
    architecture: "arm64",
    graceMs: 40_000,
  });
});

test("the example of this repository is right, and has one lane of each kind", () => {
  const path = fileURLToPath(new URL("../../../senpu.config.yaml", import.meta.url));
  const { lanes, shown } = readConfig(path);
  expect(shown).toBe("senpu.config.yaml");
  expect(lanes.map(({ name, worker }) => [name, worker.kind])).toEqual([
    ["crm", "lambda"],
    ["reports", "fargate"],
    ["default", "lambda"],
  ]);
});

test("what the example says of default's settings is what they are without a word", () => {
  const path = fileURLToPath(new URL("../../../senpu.config.yaml", import.meta.url));
  expect(readConfig(path).lanes.at(-1)).toEqual(configOf("lanes: {}").lanes[0]);
});

test("the JSON Schema describes every field", () => {
  interface Schema {
    readonly description?: string;
    readonly properties?: Readonly<Record<string, Schema>>;
    readonly additionalProperties?: Schema | false;
    readonly anyOf?: readonly Schema[];
  }
  const nameless: string[] = [];
  let fields = 0;
  const walk = (node: Schema, path: string): void => {
    for (const [name, child] of Object.entries(node.properties ?? {})) {
      fields++;
      if (child.description === undefined) nameless.push(`${path}.${name}`);
      walk(child, `${path}.${name}`);
    }
    if (typeof node.additionalProperties === "object") walk(node.additionalProperties, `${path}.*`);
    for (const branch of node.anyOf ?? []) walk(branch, path);
  };
  walk(configJsonSchema(), "config");
  expect(fields).toBeGreaterThan(30);
  expect(nameless).toEqual([]);
});
