import { rmSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { LedgerRecord } from "../../../shared/ledger/ledger.ts";
import { openSqliteLedger } from "../../../shared/ledger/sqlite-ledger.ts";
import { compareCounters, recount, storeCounters } from "../../../shared/ledger/sqlite-recount.ts";
import { LEDGER_SCHEMA } from "../../../shared/ledger/sqlite-schema.ts";
import type { Outcome } from "../../../shared/model/outcome.ts";
import { SqliteFile } from "../../../shared/sqlite-file.ts";
import { T0, newRun, planned } from "../../conformance/ledger-records.ts";
import { temporaryFolder } from "../broker/embedded.ts";

const id = fc.integer({ min: 1, max: 6 }).map((n) => `c${n}`);

const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record({
    id,
    state: fc.constant("succeeded" as const),
    status: fc.constant(200),
    attempts: fc.integer({ min: 1, max: 5 }),
    settledAt: fc.constant(T0),
    latencyMs: fc.double({ min: 0, max: 70_000, noNaN: true }),
  }),
  fc.record(
    {
      id,
      state: fc.constant("failed" as const),
      reason: fc.constantFrom("rejected" as const, "exhausted" as const, "invalid" as const),
      status: fc.constantFrom(404, 503),
      attempts: fc.integer({ min: 0, max: 5 }),
      settledAt: fc.constant(T0),
      latencyMs: fc.double({ min: 0, max: 70_000, noNaN: true }),
    },
    { requiredKeys: ["id", "state", "reason", "attempts", "settledAt"] },
  ),
  fc.record({
    id,
    state: fc.constant("cancelled" as const),
    attempts: fc.integer({ min: 0, max: 2 }),
    settledAt: fc.constant(T0),
  }),
);

const record: fc.Arbitrary<LedgerRecord> = fc.oneof(
  fc.uniqueArray(id, { maxLength: 4 }).map((ids) => planned("r", ids)),
  fc.array(outcome, { maxLength: 4 }).map((outcomes) => ({
    kind: "outcomes" as const,
    run: "r",
    lane: "crm",
    worker: "w",
    outcomes,
  })),
);

const step = fc.oneof(
  { weight: 9, arbitrary: fc.array(record, { maxLength: 4 }) },
  { weight: 1, arbitrary: fc.constant("cancel" as const) },
);

test("whatever was recorded, counting anew comes to the same, and storing that changes nothing", async () => {
  const folder = temporaryFolder();
  let number = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
      const path = join(folder, `${++number}.db`);
      const ledger = openSqliteLedger(path);
      await ledger.createRun(newRun("r"));
      for (const each of steps) {
        if (each === "cancel") await ledger.setState("r", "cancelled", "test", T0);
        else await ledger.record(each, T0);
      }
      const figures = await ledger.figures("r", T0);
      const file = new SqliteFile({
        path,
        code: "ledger",
        durability: "normal",
        schema: LEDGER_SCHEMA,
      });
      expect(file.snapshot(() => compareCounters(file, 1, recount(file, 1)))).toEqual([]);
      file.write(() => storeCounters(file, 1, recount(file, 1)));
      expect(await ledger.figures("r", T0)).toEqual(figures);
      file.close();
      await ledger.close();
      rmSync(path);
    }),
    { numRuns: 40 },
  );
});
