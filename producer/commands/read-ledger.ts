import { existsSync } from "node:fs";
import { join } from "node:path";
import type { CommonOptions } from "../../shared/command.ts";
import { SenpuError } from "../../shared/errors.ts";
import type { Ledger } from "../../shared/ledger/ledger.ts";
import { isLedgerElsewhere, openLedger } from "../../shared/ledger/open.ts";
import { openStateFolder } from "../../shared/state/state-folder.ts";

/**
 * Opens the ledger for a command that only looks, and closes it after `read`.
 * Undefined where there is none yet; looking makes no folder and no file.
 */
export async function readLedger<Found>(
  common: Pick<CommonOptions, "state" | "env">,
  read: (ledger: Ledger) => Promise<Found>,
): Promise<Found | undefined> {
  if (common.env !== undefined) {
    throw new SenpuError(
      "usage",
      `--env ${common.env}: this command reads the ledger of this machine; leave --env out`,
    );
  }
  if (!isLedgerElsewhere() && !existsSync(join(common.state, "ledger.db"))) return undefined;
  const ledger = await openLedger(() => openStateFolder(common.state).ledgerFile);
  try {
    return await read(ledger);
  } finally {
    await ledger.close();
  }
}
