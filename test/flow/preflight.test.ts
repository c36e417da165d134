import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FlowStage, callsTo } from "../support/flow-stage.ts";

const stage = new FlowStage("preflight");
const server = await stage.startServer();
const lanes = { crm: { match: `${server.url}/**`, concurrency: 4, rate: "2/s" } };

test("senpu plan --sample makes the first calls, each once, and leaves nothing behind", async () => {
  const state = stage.newState();
  const before = server.requests.length;
  const plan = stage.writePlan("sampled", callsTo(`${server.url}/ok`, "s", 5), { lanes });
  const { exitCode, stdout, stderr } = await stage.run(
    ["plan", plan, "--sample", "2", "--json", "--state", state],
    {},
  );
  expect(exitCode, stderr).toBe(0);
  const told = JSON.parse(stdout) as { calls: number; sample: object[]; refused: null };
  expect(told).toMatchObject({ calls: 5, refused: null, forecast: { lanes: [{ by: "rate" }] } });
  expect(told.sample).toMatchObject([
    { id: "s-0", state: "succeeded", status: 200 },
    { id: "s-1", state: "succeeded", status: 200 },
  ]);
  expect(server.requests.slice(before).map(({ id }) => id)).toEqual(["s-0", "s-1"]);
  expect(existsSync(join(state, "ledger.db"))).toBe(false);
});

test("a plan that cannot end within its deadline is told in full, and refused with 2", async () => {
  const before = server.requests.length;
  const plan = stage.writePlan("late", callsTo(`${server.url}/ok`, "late", 100), {
    lanes,
    defaults: { deadline: "20s", headers: { authorization: "Bearer ${env:CRM_TOKEN}" } },
  });
  const { exitCode, stdout, stderr } = await stage.run(
    ["plan", plan, "--state", stage.newState()],
    {
      env: { CRM_TOKEN: "planted" },
    },
  );
  expect(exitCode).toBe(2);
  expect(stdout + stderr).not.toContain("planted");
  expect(stderr).toMatch(
    /the limits allow about 50 s at the least, and the plan's deadline is 20 s: calls would expire/,
  );
  expect(stdout).toMatch(/crm +100 +4 +2\/s/);
  expect(stdout).toContain(`curl -H 'authorization: Bearer '"$CRM_TOKEN" '${server.url}/ok`);
  const text = stdout.split("\n").filter((line) => !line.startsWith("  curl "));
  expect(text.filter((line) => line.length > 80)).toEqual([]);
  expect(server.requests.length).toBe(before);
});
