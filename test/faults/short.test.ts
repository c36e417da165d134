import { describe, expect, test } from "vitest";
import type { FaultKind } from "./fault.ts";
import { play } from "./play.ts";
import { describeScenario, makeScenario } from "./scenario.ts";

/** `npm run test:faults` plays many more, and longer ones. A seed that fails is told with the line that plays it again. */
const SEEDS = [171, 4608, 8548];

/** A kind that is forgotten here does not compile. */
const KINDS: Readonly<Record<FaultKind, true>> = {
  kill: true,
  wipe: true,
  stop: true,
  cut: true,
  dark: true,
  mute: true,
  delay: true,
  garble: true,
  duplicate: true,
  reorder: true,
  expose: true,
  full: true,
  jump: true,
};

test("the seeds have each kind of fault between them", () => {
  const kinds = SEEDS.flatMap((seed) => makeScenario(seed, "short").faults.map(({ kind }) => kind));
  expect([...new Set(kinds)].toSorted()).toEqual(Object.keys(KINDS).toSorted());
});

test("a seed gives the same scenario each time, and another seed another", () => {
  expect(makeScenario(7, "long")).toEqual(makeScenario(7, "long"));
  expect(makeScenario(8, "long")).not.toEqual(makeScenario(7, "long"));
});

/** Files and processes are limited and looked at as only Linux can. */
describe
  .skipIf(process.platform !== "linux")
  .concurrent("nothing is lost, whatever befalls the processes", () => {
    test.each(SEEDS)(
      "seed %i",
      async (seed) => {
        const scenario = makeScenario(seed, "short");
        const { verdict, folder, journal } = await play(scenario);
        const again = `npm run test:faults -- --short --seed ${seed}`;
        expect(
          verdict.violations,
          `${again}\n${folder}\n${describeScenario(scenario)}\n${journal.text}`,
        ).toEqual([]);
        expect(verdict.madeAgain).toBeLessThanOrEqual(verdict.bound);
      },
      150_000,
    );
  });
