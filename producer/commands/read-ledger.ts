import { existsSync } from "node:fs";
import { join } from "node:path";
import type { CommonOptions } from "../../shared/command.ts";
import type { LedgerAccess } from "../../shared/deployment/deployed-ledger.ts";
import type { Ledger } from "../../shared/ledger/ledger.ts";
import { isLedgerElsewhere, openLedger } from "../../shared/ledger/open.ts";
import { openStateFolder } from "../../shared/state/state-folder.ts";

/**
 * Opens the ledger of this machine, or of the deployment, for a command that looks, and closes it after `read`. One that
 * changes something says so by `access`, which matters in a deployment alone.
 * Undefined where there is none yet; looking makes no folder and no file. Throws SenpuError where a deployment has none.
 */
export async function readLedger<Found>(
  common: Pick<CommonOptions, "state" | "deployment">,
  read: (ledger: Ledger) => Promise<Found>,
  access?: LedgerAccess,
): Promise<Found | undefined> {
  const { deployment } = common;
  const isHere = deployment === undefined && !isLedgerElsewhere();
  if (isHere && !existsSync(join(common.state, "ledger.db"))) return undefined;
  const ledger = await openLedger(
    () => openStateFolder(common.state).ledgerFile,
    deployment,
    access,
  );
  try {
    return await read(ledger);
  } finally {
    await ledger.close();
  }
}
