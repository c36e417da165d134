import type { CommonOptions } from "../../shared/command.ts";
import { isWithoutLedger } from "../../shared/deployment/deployed-ledger.ts";
import { openSession, openWorkSession } from "../../shared/session.ts";
import type { Session } from "../../shared/session.ts";

/**
 * What a replay works with. Where a deployment has no ledger, one of this machine's keeps which replays were begun here,
 * so that the same again goes on with one that died; of calls it knows nothing.
 */
export async function openReplaySession(common: CommonOptions): Promise<Session> {
  if (!isWithoutLedger(common.deployment)) return openSession(common);
  const work = await openWorkSession(common);
  try {
    const { openSqliteLedger } = await import("../../shared/ledger/sqlite-ledger.ts");
    const ledger = openSqliteLedger(work.folder.ledgerFile);
    return {
      ...work,
      ledger,
      close: async () => {
        await ledger.close();
        await work.close();
      },
    };
  } catch (error) {
    await work.close();
    throw error;
  }
}
