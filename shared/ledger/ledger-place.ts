import { environmentVariable } from "../environment.ts";

/** The database that is named, if any. Apart from those who open it: a bundle carries what its files could load. */
export function ledgerUrl(): string | undefined {
  return environmentVariable("SENPU_LEDGER_URL") || undefined;
}

/** The function that is named, if any. */
export function ledgerFunction(): string | undefined {
  return environmentVariable("SENPU_LEDGER_FUNCTION") || undefined;
}
