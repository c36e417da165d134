import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { readOrdered, scheduledRunId } from "../../../producer/entries/read-ordered.ts";
import { checkRunId } from "../../../producer/run/run-id.ts";
import { CONFIG_VARIABLE } from "../../../shared/config/load-config.ts";
import { folderWith } from "../../shared/config/config-files.ts";

test("a schedule's time makes the run's id: the same for each firing, and in whatever zone it is written", () => {
  expect(scheduledRunId("crm nightly", "2026-11-22T03:00:00Z", "x")).toBe(
    "crm-nightly-20261122t030000",
  );
  expect(scheduledRunId("crm nightly", "2026-11-22T12:00:00+09:00", "y")).toBe(
    "crm-nightly-20261122t030000",
  );
});

test("without a time a retry of the same invocation is the same run", () => {
  expect(scheduledRunId("plan", undefined, "8f2e")).toBe("plan-8f2e");
});

test.each(["", "///", "夜間", "x".repeat(200)])(
  "the name %j makes an id that can be one",
  (name) => {
    const id = scheduledRunId(name, undefined, crypto.randomUUID());
    expect(() => checkRunId(id)).not.toThrow();
  },
);

test("where its variable names a configuration, a plan has its lanes and may only tighten them", async () => {
  const folder = folderWith({
    "deployed.yaml": "lanes: { crm: { match: https://crm.example/**, concurrency: 8 } }",
  });
  vi.stubEnv(CONFIG_VARIABLE, join(folder, "deployed.yaml"));
  onTestFinished(() => void vi.unstubAllEnvs());
  const read = async (concurrency: number) => {
    const lanes = { crm: { concurrency } };
    const order = { name: undefined, time: undefined, overlap: undefined };
    const plan = { kind: "plan", plan: { lanes, calls: ["https://crm.example/1"] } } as const;
    return (await readOrdered({ ...order, plan }, folder, "request")).plan.lanes;
  };
  expect(await read(3)).toMatchObject([{ name: "crm", concurrency: 3 }, { name: "default" }]);
  await expect(read(9)).rejects.toThrow(
    /^plan lanes\.crm\.concurrency: 9 is more than lane crm in \S+deployed\.yaml has, 8/,
  );
});
