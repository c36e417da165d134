import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** What starts processes of senpu and kills them, or has a module replaced: each file in a process of its own. */
const APART = [
  "test/flow/**/*.test.ts",
  "test/faults/*.test.ts",
  "test/shared/state/broker-death.test.ts",
];

/** What writes all that is deployed into `dist`, which others would read half written. */
const ASSETS = [
  "test/infra/stacks/templates.test.ts",
  "test/infra/deploy/deploy-all.test.ts",
  "test/infra/deploy/deploy-death.test.ts",
];

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: "processes", include: APART } },
      // One at a time, when the others have ended.
      {
        extends: true,
        test: { name: "assets", include: ASSETS, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
      // Files share processes, and what these have loaded: half a second a file.
      {
        extends: true,
        test: {
          name: "parts",
          include: ["test/**/*.test.ts"],
          exclude: [...APART, ...ASSETS],
          isolate: false,
        },
      },
    ],
    reporters: ["default", "./test/support/closing-line-reporter.ts"],
    testTimeout: 90_000,
    hookTimeout: 90_000,
    // The configuration of this repository is an example, and nothing to its tests.
    env: {
      SENPU_CONFIG: "none",
      // Where senpu.js keeps it too: processes that tests start by other ways begin in two thirds of the time.
      NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache"),
    },
    // Flow tests wait more than they work: three files at a time keep two cores busy.
    maxWorkers: 3,
    // Real processes with real timers: a property test that is interrupted is worse than a slow one.
    pool: "forks",
  },
});
