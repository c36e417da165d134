import { openDeployedLedger } from "../deployment/deployed-ledger.ts";
import type { LedgerAccess } from "../deployment/deployed-ledger.ts";
import type { Deployment } from "../deployment/deployment.ts";
import type { Ledger } from "./ledger.ts";
import { ledgerFunction, ledgerUrl } from "./ledger-place.ts";
import { openLedgerByFunction } from "./open-outside.ts";
import { openStoredLedger } from "./open-stored.ts";

/**
 * The one place that decides how the ledger is reached: by the Lambda function that `SENPU_LEDGER_FUNCTION` names, for who
 * is outside the database's network; in the PostgreSQL database that `SENPU_LEDGER_URL` names
 * (`postgres://user@host:5432/database`); or else in a SQLite file of this machine. Only what is chosen is loaded.
 *
 * `SENPU_LEDGER_PASSWORD` is the password, if it does not stand in the URL; without one, a database that is not on this
 * machine is signed in to by IAM, with the region and credentials that the AWS SDK finds. `SENPU_LEDGER_CA` is the path
 * of the certificates to trust, for RDS its global bundle. `AWS_ENDPOINT_URL_LAMBDA` names another endpoint than AWS's.
 * `file` is asked only where it is used. Of a deployment that was found by its environment's name: its own, to be read
 * alone unless `access` says otherwise. A database or a function is asked when the ledger is first used. Throws
 * SenpuError `config` for variables that cannot be right, `ledger` for a file that cannot be opened.
 */
export async function openLedger(
  file: () => string,
  deployment?: Deployment,
  access: LedgerAccess = "read",
): Promise<Ledger> {
  if (deployment !== undefined) return openDeployedLedger(deployment, access);
  return (await openLedgerByFunction()) ?? openStoredLedger(file);
}

/** False: the ledger is a file of this machine, which may not be there yet. */
export function isLedgerElsewhere(): boolean {
  return ledgerFunction() !== undefined || ledgerUrl() !== undefined;
}
