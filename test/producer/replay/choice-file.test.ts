import { hash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  readChoice,
  readChoiceEntries,
  writeChoice,
} from "../../../producer/replay/choice-file.ts";
import { chooseCalls, collapse } from "../../../producer/replay/choose.ts";
import { makeFolder } from "../../support/command-line.ts";
import { heldLetter } from "../../support/held-letters.ts";
import { makePolicy } from "../../support/policy.ts";

const chosen = chooseCalls(
  collapse([
    ...Array.from({ length: 1_200 }, (_, index) => heldLetter(`c${index}`)),
    heldLetter("slow", { policy: makePolicy({ timeoutMs: 9 }) }, { json: '"\u2028 ünï"' }),
  ]),
  "r1",
);

test("a choice is read as it was written, a policy written once", async () => {
  const folder = makeFolder();
  const { path, digest } = await writeChoice(join(folder, "spool"), "r2", chosen);
  const read = [];
  for await (const batch of readChoice(path)) read.push(...batch);
  expect(read).toEqual(chosen);
  const text = readFileSync(path, "utf8");
  expect(digest).toBe(hash("sha256", text));
  expect(text.split("\n").filter((line) => line.startsWith('{"policy":{'))).toHaveLength(2);
  expect(readdirSync(join(folder, "spool"))).toEqual(["r2.jsonl"]);
});

test("as a plan's entries, calls of one policy share its object", async () => {
  const { path } = await writeChoice(makeFolder(), "r2", chosen);
  const policies = new Set();
  for await (const batch of readChoiceEntries(path)) {
    for (const entry of batch) policies.add("policy" in entry ? entry.policy : undefined);
  }
  expect(policies.size).toBe(2);
});
