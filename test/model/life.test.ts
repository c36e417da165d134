import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { install, lifeHolds } from "./life.ts";
import { BROKEN } from "./sabotage.ts";

/**
 * `SENPU_MODEL_RUNS=20000 SENPU_MODEL_SEED=7 npx vitest run test/model -t whatever` plays more, and others. A history
 * that fails is told with its seed and path: with both of them set, it alone is played again.
 */
const RUNS = Number(process.env["SENPU_MODEL_RUNS"] ?? 200);
const SEED = Number(process.env["SENPU_MODEL_SEED"] ?? 2);
const PATH = process.env["SENPU_MODEL_PATH"];
const TIMEOUT_MS = 120_000 + RUNS * 500;

let uninstall: () => void;
beforeAll(() => {
  uninstall = install();
});
afterAll(() => uninstall());

test(
  "whatever dies, fails, comes twice or is held, every call ends in one state, and none is lost",
  async () => {
    const sum = { histories: 0, steps: 0, calls: 0, virtualMs: 0 };
    const startedAt = performance.now();
    const property = lifeHolds({
      onPlayed: ({ calls, virtualMs }, { acts }) => {
        sum.histories++;
        sum.steps += acts.flat().length;
        sum.calls += calls;
        sum.virtualMs += virtualMs;
      },
    });
    await fc.assert(property, {
      numRuns: RUNS,
      seed: SEED,
      ...(PATH === undefined ? {} : { path: PATH }),
    });
    const seconds = (performance.now() - startedAt) / 1_000;
    const rate = (count: number): string => Math.round(count / seconds).toLocaleString("en");
    if (process.env["SENPU_MODEL_RUNS"] !== undefined) {
      console.log(
        `${sum.histories} histories in ${seconds.toFixed(1)} s; a second: ${rate(sum.histories)} histories, ` +
          `${rate(sum.steps)} steps, ${rate(sum.calls)} calls of ports and APIs, ${rate(sum.virtualMs / 1_000)} s of their time`,
      );
    }
  },
  TIMEOUT_MS,
);

describe("no invariant that cannot fail", () => {
  test.each(BROKEN)(
    "$name is found",
    async ({ sabotage, tells }) => {
      const { failed } = await fc.check(lifeHolds({ sabotage, tells }), {
        numRuns: RUNS,
        seed: SEED,
        endOnFailure: true,
      });
      expect(failed, `none of ${RUNS} histories tells that "${tells}" does not hold`).toBe(true);
    },
    TIMEOUT_MS,
  );
});
