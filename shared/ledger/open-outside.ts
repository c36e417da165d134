import { SenpuError } from "../errors.ts";
import type { Ledger } from "./ledger.ts";
import { ledgerFunction, ledgerUrl } from "./ledger-place.ts";

/**
 * The ledger for a function outside its network: by the function that `SENPU_LEDGER_FUNCTION` names, or else in a SQLite
 * file of this machine. It carries no database driver, so `SENPU_LEDGER_URL` is refused: SenpuError `config`.
 */
export async function openOutsideLedger(file: () => string): Promise<Ledger> {
  const byFunction = await openLedgerByFunction();
  if (byFunction !== undefined) return byFunction;
  if (ledgerUrl() !== undefined) {
    throw new SenpuError(
      "config",
      "SENPU_LEDGER_URL: this function reaches a database by another function; name that one in SENPU_LEDGER_FUNCTION",
    );
  }
  const { openSqliteLedger } = await import("./sqlite-ledger.ts");
  return openSqliteLedger(file());
}

/** Undefined: no function is named. */
export async function openLedgerByFunction(): Promise<Ledger | undefined> {
  const name = ledgerFunction();
  if (name === undefined) return undefined;
  const { openFunctionLedger } = await import("./function-ledger.ts");
  return openFunctionLedger(name);
}
