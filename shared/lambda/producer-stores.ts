import { openAnswers } from "../answers/open.ts";
import { openClaims } from "../claims/open.ts";
import { environmentVariable } from "../environment.ts";
import { SenpuError } from "../errors.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { openOutsideLedger } from "../ledger/open-outside.ts";
import type { WorkSession } from "../session.ts";
import { stateFolder } from "./function-folder.ts";
import { openShared } from "./worker-stores.ts";

/** Without a ledger, coordination alone knows of a run. */
export type ProducerStores = WorkSession & { readonly ledger: Ledger | undefined };

/**
 * What a producer needs: it is in no network, and reaches a database's ledger by a function that is. `SENPU_LEDGER=none`:
 * the deployment has none; else where it lies says `shared/ledger/open-outside.ts`.
 */
export async function openProducerStores(): Promise<ProducerStores> {
  const folder = stateFolder();
  const ledger = hasLedger() ? await openOutsideLedger(() => folder.ledgerFile) : undefined;
  const { broker, coordination } = await openShared();
  const claims = openClaims(folder.claims);
  const answers = openAnswers(folder.answers);
  return {
    broker,
    coordination,
    claims,
    answers,
    folder,
    endpointUrl: environmentVariable("SENPU_ENDPOINT_URL"),
    ledger,
    close: async () => {
      await broker.close();
      await Promise.all([ledger?.close(), coordination.close(), claims.close(), answers.close()]);
    },
  };
}

function hasLedger(): boolean {
  const said = environmentVariable("SENPU_LEDGER");
  if (said === undefined || said === "") return true;
  if (said === "none") return false;
  throw new SenpuError(
    "config",
    `SENPU_LEDGER is ${JSON.stringify(said)}; write none, or leave it out`,
  );
}
