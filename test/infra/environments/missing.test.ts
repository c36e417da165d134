import { expect, test } from "vitest";
import { defineEnvironment } from "../../../infra/environments/environment.ts";
import { production } from "../../../infra/environments/production.ts";

test("L8: an environment that leaves a setting out does not compile, and is refused", () => {
  const { ledger: _ledger, ...withoutLedger } = production;
  // @ts-expect-error The type check fails where this line is no error: `null` is how an environment has no ledger.
  expect(() => defineEnvironment(withoutLedger)).toThrow(/production:\n {2}ledger: /);
  const { retentionDays: _days, ...withoutDays } = production.logs;
  // @ts-expect-error The same for a setting within a setting.
  expect(() => defineEnvironment({ ...production, logs: withoutDays })).toThrow(
    /logs\.retentionDays/,
  );
});

test("L8: a setting that nobody knows does not compile either", () => {
  // @ts-expect-error What nobody reads is no setting.
  expect(() => defineEnvironment({ ...production, isProduction: true })).toThrow(/isProduction/);
});
