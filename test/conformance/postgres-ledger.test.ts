import { describe, onTestFinished } from "vitest";
import { openPostgresLedger } from "../../shared/ledger/postgres-ledger.ts";
import { stagePostgres } from "../support/postgres-server.ts";
import { ledgerConformance } from "./ledger.ts";

const server = await stagePostgres();

describe.skipIf(server === undefined)("on a real server", () => {
  ledgerConformance("PostgreSQL", async () => {
    const url = (await server?.createDatabase()) ?? "";
    return {
      open: () => {
        const ledger = openPostgresLedger({ url });
        onTestFinished(() => ledger.close());
        return ledger;
      },
    };
  });
});
