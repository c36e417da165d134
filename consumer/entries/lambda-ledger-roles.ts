import { environmentVariable } from "../../shared/environment.ts";
import { SenpuError } from "../../shared/errors.ts";
import { log } from "../../shared/lambda/log.ts";
import { createLedgerRoles } from "../../shared/ledger/postgres-roles.ts";

/**
 * A deployment calls this once the database is there, and whenever this function has changed: it makes the roles by which
 * recorders and readers sign in. Whatever the event says; safe to repeat. `SENPU_LEDGER_URL` names the administrator.
 */
export async function handler(): Promise<{ recorder: string; reader: string }> {
  const url = environmentVariable("SENPU_LEDGER_URL");
  if (url === undefined || url === "") {
    throw new SenpuError("config", "SENPU_LEDGER_URL is not set: it names the database");
  }
  const roles = await createLedgerRoles({
    url,
    password: environmentVariable("SENPU_LEDGER_PASSWORD"),
    caFile: environmentVariable("SENPU_LEDGER_CA"),
  });
  log("info", JSON.stringify(roles));
  return roles;
}
