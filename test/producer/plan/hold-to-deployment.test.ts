import { expect, test } from "vitest";
import { holdToDeployment } from "../../../producer/plan/hold-to-deployment.ts";
import { planFromObject } from "../../../producer/plan/read.ts";
import type { Deployment } from "../../../shared/deployment/deployment.ts";

const deployed = {
  lanes: [
    { name: "shop", match: [], concurrency: 4, rate: { count: 20, perMs: 1_000, burst: 2 } },
    { name: "default", match: [], concurrency: 64 },
  ],
  total: { concurrency: 50 },
} as unknown as Deployment;

type Lanes = NonNullable<Parameters<typeof planFromObject>[0]["lanes"]>;

async function held(lanes: Lanes) {
  const plan = await planFromObject({ calls: ["http://a/"], lanes }, { baseDir: "." });
  return holdToDeployment(plan, deployed);
}

test("limits that are wider than the deployed lane's become its own", async () => {
  const { lanes, total } = await held({ shop: { match: "http://a/**", concurrency: 9 } });
  expect(lanes[0]).toMatchObject({
    name: "shop",
    concurrency: 4,
    rate: { count: 20, perMs: 1_000 },
  });
  expect(total).toEqual({ concurrency: 50 });
});

test("limits that are tighter stay, with no more at once than the deployed lane lets start", async () => {
  const shop = { match: "http://a/**", concurrency: 2, rate: "10/s", burst: 5 };
  const { lanes } = await held({ shop });
  expect(lanes[0]).toMatchObject({
    concurrency: 2,
    rate: { count: 10, perMs: 1_000, burst: 2 },
  });
});
