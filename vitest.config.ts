import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    reporters: ["default", "./test/support/closing-line-reporter.ts"],
    testTimeout: 90_000,
    hookTimeout: 90_000,
    // The configuration of this repository is an example, and nothing to its tests.
    env: { SENPU_CONFIG: "none" },
    // Flow tests wait more than they work: three files at a time keep two cores busy.
    maxWorkers: 3,
    // Real processes with real timers: a property test that is interrupted is worse than a slow one.
    pool: "forks",
  },
});
