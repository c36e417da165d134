import { createBroker } from "./broker/aws-broker.ts";
import type { Broker } from "./broker/broker.ts";
import type { ClaimStore } from "./claims/claim-store.ts";
import { openClaims } from "./claims/open.ts";
import type { Coordination } from "./coordination/coordination.ts";
import { openCoordination } from "./coordination/open.ts";
import type { Ledger } from "./ledger/ledger.ts";
import { openSqliteLedger } from "./ledger/sqlite-ledger.ts";
import { attachBroker } from "./state/held-broker.ts";
import type { StateFolder } from "./state/state-folder.ts";
import { openStateFolder } from "./state/state-folder.ts";

/** What a command works with: the stores of one state folder. */
export interface Session {
  readonly folder: StateFolder;
  readonly endpointUrl: string;
  readonly broker: Broker;
  readonly ledger: Ledger;
  readonly coordination: Coordination;
  readonly claims: ClaimStore;
  /** Closes clients and stores; stops the embedded broker if this process holds it. */
  close(): Promise<void>;
}

export interface SessionOptions {
  readonly state: string;
  readonly endpointUrl?: string | undefined;
  /** Take the embedded broker over when its holder dies? Default true. */
  readonly standby?: boolean;
}

/** Opens the stores, and starts the embedded broker or attaches to the one that is there. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const folder = openStateFolder(options.state);
  // First, as it may be far away: there is nothing to undo when it cannot be reached.
  const coordination = await openCoordination(() => folder.coordinationFile);
  const attached = await attachBroker(options).catch(async (error: unknown) => {
    await coordination.close();
    throw error;
  });
  const broker = createBroker({ endpointUrl: attached.endpointUrl });
  const ledger = openSqliteLedger(folder.ledgerFile);
  const claims = openClaims(folder.claims);
  return {
    folder,
    endpointUrl: attached.endpointUrl,
    broker,
    ledger,
    coordination,
    claims,
    close: async () => {
      await broker.close();
      await Promise.all([ledger.close(), coordination.close(), claims.close()]);
      await attached.close();
    },
  };
}
