import { environmentVariable } from "../environment.ts";
import { openStoredLedger } from "../ledger/open-stored.ts";
import type { Session } from "../session.ts";
import { stateFolder } from "./function-folder.ts";
import { openShared } from "./worker-stores.ts";

/**
 * The stores of a recorder: those that `worker-stores.ts` opens, and the ledger, in PostgreSQL if `SENPU_LEDGER_URL` names
 * a database (see `shared/ledger/open-stored.ts`), else in the state folder. All but claims and answers, which need S3's client.
 */
export type RecorderStores = Omit<Session, "claims" | "answers">;

export async function openRecorderStores(): Promise<RecorderStores> {
  const folder = stateFolder();
  const { broker, coordination } = await openShared();
  const ledger = await openStoredLedger(() => folder.ledgerFile);
  return {
    broker,
    coordination,
    folder,
    endpointUrl: environmentVariable("SENPU_ENDPOINT_URL"),
    ledger,
    close: async () => {
      await broker.close();
      await Promise.all([ledger.close(), coordination.close()]);
    },
  };
}
