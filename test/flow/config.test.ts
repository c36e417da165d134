import { join } from "node:path";
import { mkdirSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { FlowStage, callsTo, readRun } from "../support/flow-stage.ts";
import type { MisbehavingServer } from "../support/misbehaving-server.ts";

const stage = new FlowStage("config");
/** As at a person's terminal: the file is looked for, where these tests otherwise want none. */
const LOOK = { SENPU_CONFIG: "" };
let server: MisbehavingServer;
let folder: string;

beforeAll(async () => {
  server = await stage.startServer();
  folder = join(stage.folder, "jobs/nightly");
  mkdirSync(folder, { recursive: true });
  mkdirSync(join(stage.folder, ".git"));
  stage.write(
    "senpu.config.yaml",
    `lanes: { crm: { match: "${server.url}/**", concurrency: 2 }, idle: { match: "https://b.example/**" } }`,
  );
});

test("a run has the lanes and limits of the configuration above its folder", async () => {
  const plan = stage.writePlan("p", callsTo(`${server.url}/slow/80`, "c", 10));
  const state = stage.newState();
  const ended = await stage.run(["run", plan, "--run-id", "r", "--state", state], {
    cwd: folder,
    env: LOOK,
  });
  expect(ended.exitCode, ended.stderr).toBe(0);
  expect(server.maxConcurrent).toBe(2);
  const { rows } = await readRun(state, "r");
  expect(new Set(rows.map(({ lane }) => lane))).toEqual(new Set(["crm"]));
});

test("senpu plan tells who says what a lane is", async () => {
  const plan = stage.writePlan("q", callsTo(`${server.url}/ok`, "c", 3), {
    lanes: { crm: { rate: "5/s" } },
  });
  const { stdout, stderr } = await stage.run(["plan", plan], { cwd: folder, env: LOOK });
  expect(stdout, stderr).toMatch(/lane +from +calls +in flight +rate/);
  expect(stdout).toMatch(/crm +plan, config +3 +2 +5\/s/);
});

test("a configuration that is not right stops a run before it begins, and a worker", async () => {
  const plan = stage.writePlan("s", callsTo(`${server.url}/ok`, "c", 1));
  const path = stage.write("broken.yaml", "lanes: { crm: { matches: x } }");
  const options = { cwd: folder, env: { SENPU_CONFIG: path } };
  const ends = await Promise.all([
    stage.run(["run", plan, "--state", stage.newState()], options),
    stage.run(["worker", "--state", stage.newState()], options),
  ]);
  for (const { exitCode, stderr } of ends) {
    expect(stderr).toMatch(
      /broken\.yaml:1:17 lanes\.crm\.matches: is not known; did you mean match\?/,
    );
    expect(exitCode).toBe(2);
  }
});

test("senpu schema --config prints the configuration's JSON Schema", async () => {
  const { stdout } = await stage.run(["schema", "--config"]);
  expect(JSON.parse(stdout)).toMatchObject({
    title: "senpu configuration",
    properties: { lanes: { type: "object" }, total: { type: "object" } },
  });
});
