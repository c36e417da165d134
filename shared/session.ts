import { createBroker } from "./broker/aws-broker.ts";
import type { Broker } from "./broker/broker.ts";
import type { Coordination } from "./coordination/coordination.ts";
import { openSqliteCoordination } from "./coordination/sqlite-coordination.ts";
import type { Ledger } from "./ledger/ledger.ts";
import { openSqliteLedger } from "./ledger/sqlite-ledger.ts";
import { attachBroker } from "./state/held-broker.ts";
import type { StateFolder } from "./state/state-folder.ts";
import { openStateFolder } from "./state/state-folder.ts";

/** What a command works with: the three stores of one state folder. */
export interface Session {
  readonly folder: StateFolder;
  readonly endpointUrl: string;
  readonly broker: Broker;
  readonly ledger: Ledger;
  readonly coordination: Coordination;
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
  const attached = await attachBroker(options);
  const broker = createBroker({ endpointUrl: attached.endpointUrl });
  const ledger = openSqliteLedger(folder.ledgerFile);
  const coordination = openSqliteCoordination(folder.coordinationFile);
  return {
    folder,
    endpointUrl: attached.endpointUrl,
    broker,
    ledger,
    coordination,
    close: async () => {
      await broker.close();
      await Promise.all([ledger.close(), coordination.close()]);
      await attached.close();
    },
  };
}
