import { join } from "node:path";
import { onTestFinished } from "vitest";
import { openSqliteLedger } from "../../shared/ledger/sqlite-ledger.ts";
import { temporaryFolder } from "../shared/broker/embedded.ts";
import { ledgerConformance } from "./ledger.ts";

ledgerConformance("SQLite", () => {
  const path = join(temporaryFolder(), "ledger.db");
  return {
    open: () => {
      const ledger = openSqliteLedger(path);
      onTestFinished(() => ledger.close());
      return ledger;
    },
  };
});
