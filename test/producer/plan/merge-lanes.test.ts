import { describe, expect, test } from "vitest";
import type { GivenLanes } from "../../../producer/plan/merge-lanes.ts";
import type { Plan } from "../../../producer/plan/plan.ts";
import { configOf } from "../../shared/config/config-files.ts";
import { entriesOf, readFiles } from "./plan-files.ts";

const CONFIG = configOf(`
lanes:
  crm: { match: "https://crm.example/**", concurrency: 8, rate: 20/s, timeout: 5s }
  api: { match: "https://api.example/**", concurrency: { min: 2, max: 40 } }
  default: { concurrency: 16 }
total: { concurrency: 100, rate: 50/s }
`);
const LOCAL: GivenLanes = { kind: "local", config: CONFIG };

const CALLS = `
calls: [https://crm.example/1, https://api.example/1, https://mine.example/1, https://x.example/1]`;

const planOf = (text: string, given: GivenLanes | undefined = LOCAL): Promise<Plan> =>
  readFiles({ "p.yaml": text + CALLS }, { given });

const lanesOfCalls = async (plan: Plan): Promise<string[]> =>
  (await entriesOf(plan)).map((entry) => ("lane" in entry ? entry.lane : "invalid"));

const limitsOf = (plan: Plan) =>
  Object.fromEntries(
    plan.lanes.map(({ name, concurrency, minConcurrency, rate }) => [
      name,
      { concurrency, minConcurrency, rate },
    ]),
  );

describe("a plan on this machine, where there is a configuration", () => {
  test("has the configuration's lanes and limits, and nothing of what is for AWS alone", async () => {
    const plan = await planOf("name: p");
    expect(await lanesOfCalls(plan)).toEqual(["crm", "api", "default", "default"]);
    expect(plan.lanes).toEqual([
      {
        name: "crm",
        match: ["https://crm.example/**"],
        concurrency: 8,
        rate: { count: 20, perMs: 1_000 },
      },
      { name: "api", match: ["https://api.example/**"], concurrency: 40, minConcurrency: 2 },
      { name: "default", match: [], concurrency: 16 },
    ]);
    expect(plan.total).toEqual({ concurrency: 100, rate: { count: 50, perMs: 1_000 } });
    expect(plan.laneOrigins).toEqual({ crm: "config", api: "config", default: "config" });
  });

  test("may add lanes, whose globs are held against a call first", async () => {
    const plan = await planOf(
      "lanes: { mine: { match: https://mine.example/** }, some: { match: https://crm.example/1 } }",
    );
    expect(await lanesOfCalls(plan)).toEqual(["some", "api", "mine", "default"]);
    expect(limitsOf(plan)["mine"]).toEqual({ concurrency: 64 });
    expect(plan.laneOrigins).toMatchObject({ mine: "plan", crm: "config" });
  });

  test("lays what it says over a lane that it names, and leaves the rest", async () => {
    const plan = await planOf("lanes: { crm: { rate: 30/s }, api: { concurrency: 3 } }");
    expect(await lanesOfCalls(plan)).toEqual(["crm", "api", "default", "default"]);
    expect(limitsOf(plan)).toMatchObject({
      crm: { concurrency: 8, rate: { count: 30, perMs: 1_000 } },
      // A fixed figure, and no longer one that adapts.
      api: { concurrency: 3 },
    });
    expect(limitsOf(plan)["api"]?.minConcurrency).toBeUndefined();
    expect(plan.laneOrigins).toMatchObject({ crm: "both", api: "both" });
  });

  test("may give such a lane other globs, which replace the configuration's", async () => {
    const plan = await planOf("lanes: { api: { match: https://mine.example/** } }");
    expect(await lanesOfCalls(plan)).toEqual(["crm", "default", "api", "default"]);
    expect(limitsOf(plan)["api"]).toEqual({ concurrency: 40, minConcurrency: 2 });
  });

  test("lays its total over the configuration's, and its default lane too", async () => {
    const plan = await planOf("total: { concurrency: 7 }\nlanes: { default: { rate: 1/s } }");
    expect(plan.total).toEqual({ concurrency: 7, rate: { count: 50, perMs: 1_000 } });
    expect(plan.lanes.at(-1)).toMatchObject({ name: "default", concurrency: 16 });
    expect(plan.lanes.at(-1)?.rate).toEqual({ count: 1, perMs: 1_000 });
  });

  test("of calls alone has the configuration's lanes too", async () => {
    const plan = await readFiles({ "urls.txt": "https://crm.example/1\n" }, { given: LOCAL });
    expect(await lanesOfCalls(plan)).toEqual(["crm"]);
  });

  test("is bounded by the command line, whoever says the limits", async () => {
    const overrides = { concurrency: 4, rate: { count: 10, perMs: 1_000 } };
    const plan = await readFiles({ "p.yaml": CALLS }, { given: LOCAL, overrides });
    expect(limitsOf(plan)).toMatchObject({
      crm: { concurrency: 4, rate: { count: 10 } },
      api: { concurrency: 4, minConcurrency: 2, rate: { count: 10 } },
    });
  });

  test("must give a lane of its own a match", async () => {
    await expect(planOf("lanes: { other: { rate: 1/s } }")).rejects.toThrow(
      "p.yaml:1:10 lanes.other.match: is missing",
    );
  });
});

test("without a configuration a lane's origin is the plan, and default's nobody", async () => {
  const plan = await readFiles({
    "p.yaml": `lanes: { crm: { match: https://crm.example/** } }${CALLS}`,
  });
  expect(plan.laneOrigins).toEqual({ crm: "plan", default: "default" });
});

test("a plan that is read again for its run has the lanes that the run was begun with", async () => {
  const lanes = [
    { name: "crm", match: ["https://crm.example/**"], concurrency: 2 },
    { name: "default", match: [], concurrency: 3 },
  ];
  const plan = await planOf("lanes: { crm: { rate: 30/s } }", { kind: "begun", lanes });
  expect(plan.lanes).toEqual(lanes);
  expect(await lanesOfCalls(plan)).toEqual(["crm", "default", "default", "default"]);
});
