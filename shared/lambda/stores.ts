import { createBroker } from "../broker/aws-broker.ts";
import type { Broker } from "../broker/broker.ts";
import { DEFAULT_PREFIX } from "../broker/topology.ts";
import type { Coordination } from "../coordination/coordination.ts";
import { openSqliteCoordination } from "../coordination/sqlite-coordination.ts";
import { environmentVariable } from "../environment.ts";
import { SenpuError } from "../errors.ts";
import { openSqliteLedger } from "../ledger/sqlite-ledger.ts";
import type { Session } from "../session.ts";
import { openStateFolder } from "../state/state-folder.ts";
import type { StateFolder } from "../state/state-folder.ts";

/**
 * Where a function's stores come from: the one place that decides between this machine and AWS.
 *
 * In: environment variables. Out: the ports. `SENPU_ENDPOINT_URL` (an SNS/SQS endpoint; absent: AWS) and
 * `SENPU_PREFIX` (of topics and queues) make the broker; `SENPU_STATE` (a state folder) the ledger and coordination.
 * DynamoDB and PostgreSQL adapters are to be chosen here, by variables of their own.
 */
export interface WorkerStores {
  readonly broker: Broker;
  readonly coordination: Coordination;
  /** Of every queue's full name, before a hyphen. */
  readonly prefix: string;
}

/** What a consumer needs, which holds no database connection. */
export function openWorkerStores(): WorkerStores {
  const endpointUrl = environmentVariable("SENPU_ENDPOINT_URL");
  const prefix = environmentVariable("SENPU_PREFIX") ?? DEFAULT_PREFIX;
  return {
    broker: createBroker({ prefix, ...(endpointUrl !== undefined && { endpointUrl }) }),
    coordination: openSqliteCoordination(stateFolder().coordinationFile),
    prefix,
  };
}

/** What a producer or a recorder needs. */
export function openLedgerStores(): Session & WorkerStores {
  const folder = stateFolder();
  const stores = openWorkerStores();
  const ledger = openSqliteLedger(folder.ledgerFile);
  return {
    ...stores,
    folder,
    endpointUrl: environmentVariable("SENPU_ENDPOINT_URL") ?? "AWS",
    ledger,
    close: async () => {
      await stores.broker.close();
      await Promise.all([ledger.close(), stores.coordination.close()]);
    },
  };
}

function stateFolder(): StateFolder {
  const path = environmentVariable("SENPU_STATE");
  if (path !== undefined && path !== "") return openStateFolder(path);
  throw new SenpuError(
    "config",
    "SENPU_STATE is not set: it names the state folder that holds ledger and coordination, until those of AWS are there",
  );
}
