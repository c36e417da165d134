import { expect, test } from "vitest";
import { checkDatabase } from "../../../infra/checks/database.ts";
import { checkStateful } from "../../../infra/checks/stateful.ts";

const template = (properties: Record<string, unknown>) => ({
  Resources: { Ledger: { Type: "AWS::RDS::DBInstance", Properties: properties } },
});
const PINNED = { Engine: "postgres", EngineVersion: "17.6", AutoMinorVersionUpgrade: false };

test("a database of an exact version that nobody changes is fine", () => {
  expect(checkDatabase(template(PINNED))).toEqual([]);
});

test.each<[string, Record<string, unknown>, RegExp]>([
  ["minor upgrades by AWS past an exact version", { AutoMinorVersionUpgrade: true }, /past 17\.6/],
  ["minor upgrades that are AWS's default", { AutoMinorVersionUpgrade: undefined }, /past 17\.6/],
  ["a major version alone", { EngineVersion: "17" }, /not exact: 17/],
  ["no version, as a diff once showed it vanish", { EngineVersion: undefined }, /not exact/],
  ["a major upgrade by any change", { AllowMajorVersionUpgrade: true }, /without asking/],
])("%s is found (L6)", (_, wrong, words) => {
  expect(checkDatabase(template({ ...PINNED, ...wrong }))).toEqual([
    expect.stringMatching(words) as string,
  ]);
});

test("a major upgrade needs a word in the repository, a minor one does not (L6)", () => {
  const to = (EngineVersion: string) => template({ ...PINNED, EngineVersion });
  const allowed = [{ stack: "production-ledger", resource: "Ledger", why: "planned" }];
  const check = (after: string, list: typeof allowed = []) =>
    checkStateful("production-ledger", to("17.6"), to(after), list);
  expect(check("17.9")).toEqual([]);
  expect(check("18.1")).toEqual([
    expect.stringMatching(/Ledger goes from major version 17 to 18/) as string,
  ]);
  expect(check("18.1", allowed)).toEqual([]);
});
