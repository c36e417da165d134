import { expect, test } from "vitest";
import { defineEnvironment } from "../../../infra/environments/environment.ts";
import { ENVIRONMENTS } from "../../../infra/environments/index.ts";

const [environment] = ENVIRONMENTS;
const withOverlap = (overlap: "skip" | "queue" | "allow", ledger: null | undefined) =>
  defineEnvironment({
    ...environment!,
    ledger: ledger === null ? null : environment!.ledger,
    pipeline: {
      ...environment!.pipeline,
      schedules: environment!.pipeline.schedules.map((schedule) => ({ ...schedule, overlap })),
    },
  });

test.each(["skip", "queue"] as const)("%s needs a ledger", (overlap) => {
  expect(() => withOverlap(overlap, undefined)).not.toThrow();
  expect(() => withOverlap(overlap, null)).toThrow(
    `pipeline.schedules.0.overlap: "${overlap}" is not allow, which it must be without a ledger`,
  );
});

test("without a ledger, both at once are allowed", () => {
  expect(withOverlap("allow", null).ledger).toBeNull();
});
