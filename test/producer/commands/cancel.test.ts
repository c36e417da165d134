import { join } from "node:path";
import { expect, test } from "vitest";
import * as cancel from "../../../producer/commands/cancel.ts";
import { openSqliteCoordination } from "../../../shared/coordination/sqlite-coordination.ts";
import { openSqliteLedger } from "../../../shared/ledger/sqlite-ledger.ts";
import { makeFolder, runCommand } from "../../support/command-line.ts";
import { seedLedger, seedRun, succeed } from "../../support/seeded-ledger.ts";

test("C1 a cancel that died between the workers and the ledger is finished by another", async () => {
  const state = makeFolder();
  await seedLedger(state, async (ledger) => {
    await seedRun(ledger, { id: "r", createdAt: Date.now() }, 3, [succeed("c1")]);
  });
  const coordination = openSqliteCoordination(join(state, "coordination.db"));
  await coordination.setControl("r", { generation: 1, state: "cancelled" });
  await coordination.close();

  const { exitCode } = await runCommand(cancel, ["r", "--state", state, "--json"]);
  expect(exitCode).toBe(0);
  const ledger = openSqliteLedger(join(state, "ledger.db"));
  const figures = await ledger.figures("r", Date.now());
  await ledger.close();
  expect(figures).toMatchObject({
    state: "cancelled",
    planned: 3,
    succeeded: 1,
    cancelled: 2,
    pending: 0,
  });
});
