import { join } from "node:path";
import { expect, test } from "vitest";
import { readAgain } from "../../../producer/run/read-again.ts";
import type { RunRow } from "../../../shared/ledger/ledger.ts";
import { makeFolder, readFiles } from "../plan/plan-files.ts";

test("a run that is taken up again has its lanes as it was begun, whatever is written now", async () => {
  const text = "lanes: { crm: { rate: 5/s } }\ncalls: [https://crm.example/1, https://x.example/1]";
  const folder = makeFolder({ "p.yaml": text });
  const lanes = [
    { name: "crm", match: ["https://crm.example/**"], concurrency: 8 },
    { name: "default", match: [], concurrency: 64 },
  ];
  // The lane's match came from a configuration that is not there any more.
  await expect(readFiles({ "p.yaml": text })).rejects.toThrow("lanes.crm.match: is missing");
  const row = {
    id: "r",
    name: "p",
    source: JSON.stringify({ path: join(folder, "p.yaml"), shown: "p.yaml", digest: "" }),
    settings: JSON.stringify({ lanes }),
    tolerance: null,
  } as unknown as RunRow;
  const plan = await readAgain(row, folder, {});
  expect(plan.lanes).toEqual(lanes);
  const taken: string[] = [];
  for await (const entries of plan.entries()) {
    for (const entry of entries) taken.push("lane" in entry ? entry.lane : "");
  }
  expect(taken).toEqual(["crm", "default"]);
});
