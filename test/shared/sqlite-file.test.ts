import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { openSqliteLedger } from "../../shared/ledger/sqlite-ledger.ts";
import { temporaryFolder } from "./broker/embedded.ts";

test("a file is opened while another process writes, and does not wait for it", async () => {
  const path = join(temporaryFolder(), "ledger.db");
  await openSqliteLedger(path).close();
  const writer = new DatabaseSync(path);
  onTestFinished(() => writer.close());
  writer.exec("BEGIN IMMEDIATE");
  const ledger = openSqliteLedger(path);
  onTestFinished(() => ledger.close());
  expect(await ledger.listRuns(1)).toEqual([]);
  writer.exec("ROLLBACK");
});
