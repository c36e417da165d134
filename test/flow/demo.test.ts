import { describe, expect, test } from "vitest";
import { figuresSchema } from "../support/figures-schema.ts";
import { FlowStage } from "../support/flow-stage.ts";

const stage = new FlowStage("demo");

describe.concurrent("`senpu demo`", () => {
  test("ends with 0, with a summary that explains the failures it planned", async () => {
    const { exitCode, stdout, stderr } = await stage.run(["demo", "--state", stage.newState()]);
    expect(exitCode, stderr).toBe(0);
    const words = stdout.replaceAll(/\s+/g, " ");
    expect(words).toContain("demo: 2 of 245 calls failed");
    expect(words).toContain("Both failures were planned.");
    for (const place of ["atlantis", "el-dorado"]) expect(words).toContain(`${place}: GET http`);
  }, 150_000);

  test("--json writes the figures alone on stdout", async () => {
    const { exitCode, stdout } = await stage.run(["demo", "--json", "--state", stage.newState()]);
    expect(exitCode).toBe(0);
    const figures = figuresSchema.parse(JSON.parse(stdout));
    expect(figures).toMatchObject({ name: "demo", state: "settled", planned: 245, failed: 2 });
    // Starting and ending processes takes what the machine leaves for them; the run itself mostly waits.
    expect(figures.elapsedMs).toBeLessThan(15_000);
    expect(figures.failures).toEqual(
      expect.arrayContaining([
        { reason: "rejected", status: 404, count: 1 },
        { reason: "exhausted", status: 500, count: 1 },
      ]),
    );
  }, 150_000);
});
