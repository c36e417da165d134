import { createBroker } from "../broker/aws-broker.ts";
import type { Broker } from "../broker/broker.ts";
import { DEFAULT_PREFIX } from "../broker/topology.ts";
import type { ClaimStore } from "../claims/claim-store.ts";
import { openClaims } from "../claims/open.ts";
import type { Coordination } from "../coordination/coordination.ts";
import { openCoordination } from "../coordination/open.ts";
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
 * `SENPU_PREFIX` (of topics and queues) make the broker; `SENPU_STATE` (a state folder) the ledger; `SENPU_COORDINATION_TABLE`
 * (in DynamoDB) coordination, else the state folder does;
 * `SENPU_CLAIMS_BUCKET` (`bucket`, or `bucket/prefix`) keeps calls too large for a message in S3, else the state folder does.
 * The PostgreSQL adapter is to be chosen here, by variables of its own.
 */
export interface WorkerStores {
  readonly broker: Broker;
  readonly coordination: Coordination;
  readonly claims: ClaimStore;
  /** Of every queue's full name, before a hyphen. */
  readonly prefix: string;
}

/** All but the claims, which need S3's client: a recorder does without. */
export type RecorderStores = Omit<Session, "claims">;

/** What a consumer needs, which holds no database connection. */
export async function openWorkerStores(): Promise<WorkerStores> {
  return { ...(await openShared()), claims: openClaims(stateFolder().claims) };
}

/** What a recorder needs. */
export async function openRecorderStores(): Promise<RecorderStores> {
  const folder = stateFolder();
  const { broker, coordination } = await openShared();
  const ledger = openSqliteLedger(folder.ledgerFile);
  return {
    broker,
    coordination,
    folder,
    endpointUrl: environmentVariable("SENPU_ENDPOINT_URL") ?? "AWS",
    ledger,
    close: async () => {
      await broker.close();
      await Promise.all([ledger.close(), coordination.close()]);
    },
  };
}

/** What a producer needs. */
export async function openProducerStores(): Promise<Session> {
  const stores = await openRecorderStores();
  const claims = openClaims(stores.folder.claims);
  return {
    ...stores,
    claims,
    close: async () => {
      await stores.close();
      await claims.close();
    },
  };
}

async function openShared(): Promise<Omit<WorkerStores, "claims">> {
  const endpointUrl = environmentVariable("SENPU_ENDPOINT_URL");
  const prefix = environmentVariable("SENPU_PREFIX") ?? DEFAULT_PREFIX;
  const coordination = await openCoordination(() => stateFolder().coordinationFile);
  return {
    broker: createBroker({ prefix, ...(endpointUrl !== undefined && { endpointUrl }) }),
    coordination,
    prefix,
  };
}

function stateFolder(): StateFolder {
  const path = environmentVariable("SENPU_STATE");
  if (path !== undefined && path !== "") return openStateFolder(path);
  throw new SenpuError(
    "config",
    "SENPU_STATE is not set: it names the state folder that holds what no variable places elsewhere, the ledger for one",
  );
}
