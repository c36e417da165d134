import { expect, test } from "vitest";
import { CHILD_VARIABLE } from "../../shared/environment.ts";
import { FlowStage } from "../support/flow-stage.ts";

const stage = new FlowStage("orphan");

test("a worker whose run died while it started ends by itself", async () => {
  const words = ["worker", "--quiet", "--state", stage.newState()];
  // As it then finds itself: started by a run, and without a channel to it.
  const { exitCode, stderr } = await stage.run(words, { env: { [CHILD_VARIABLE]: "1" } });
  expect([exitCode, stderr]).toEqual([0, ""]);
});
