import { environmentVariable } from "../environment.ts";
import type { Ledger } from "./ledger.ts";
import { ledgerUrl } from "./ledger-place.ts";

/**
 * The ledger where it is stored: in the PostgreSQL database that `SENPU_LEDGER_URL` names, or else in a SQLite file of
 * this machine. Apart from `open.ts`, for functions that have no use for the way by another function.
 */
export async function openStoredLedger(file: () => string): Promise<Ledger> {
  const url = ledgerUrl();
  if (url === undefined) {
    const { openSqliteLedger } = await import("./sqlite-ledger.ts");
    return openSqliteLedger(file());
  }
  const { openPostgresLedger } = await import("./postgres-ledger.ts");
  return openPostgresLedger({
    url,
    password: environmentVariable("SENPU_LEDGER_PASSWORD"),
    caFile: environmentVariable("SENPU_LEDGER_CA"),
  });
}
