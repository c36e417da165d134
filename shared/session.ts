import type { AnswerStore } from "./answers/answer-store.ts";
import { openAnswers } from "./answers/open.ts";
import type { Broker } from "./broker/broker.ts";
import { openBroker } from "./broker/open.ts";
import type { ClaimStore } from "./claims/claim-store.ts";
import { openClaims } from "./claims/open.ts";
import type { Coordination } from "./coordination/coordination.ts";
import { openCoordination } from "./coordination/open.ts";
import type { Deployment } from "./deployment/deployment.ts";
import type { Ledger } from "./ledger/ledger.ts";
import { openLedger } from "./ledger/open.ts";
import { findBroker } from "./state/find-broker.ts";
import type { StateFolder } from "./state/state-folder.ts";
import { openStateFolder } from "./state/state-folder.ts";

/** What a command works with: the stores of one state folder, or of a deployment. */
export interface Session {
  readonly folder: StateFolder;
  /** Undefined: the broker is AWS's. */
  readonly endpointUrl: string | undefined;
  /** Whose stores they are, where it was found by its environment's name. */
  readonly deployment?: Deployment | undefined;
  readonly broker: Broker;
  readonly ledger: Ledger;
  readonly coordination: Coordination;
  readonly claims: ClaimStore;
  readonly answers: AnswerStore;
  /** Closes clients and stores; stops the embedded broker if this process holds it. */
  close(): Promise<void>;
}

export interface SessionOptions {
  readonly state: string;
  readonly endpointUrl?: string | undefined;
  /** In place of all that the environment's variables name. */
  readonly deployment?: Deployment | undefined;
  /** Take the embedded broker over when its holder dies? Default true. */
  readonly standby?: boolean;
}

/** Opens the stores, and starts the embedded broker or attaches to the one that is there. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const work = await openWorkSession(options);
  try {
    const ledger = await openLedger(() => work.folder.ledgerFile, options.deployment, "write");
    return {
      ...work,
      ledger,
      close: async () => {
        await work.broker.close();
        await ledger.close();
        await work.close();
      },
    };
  } catch (error) {
    await work.close();
    throw error;
  }
}

/** What a worker works with: it knows of no ledger, and holds no connection to one. */
export type WorkSession = Omit<Session, "ledger">;

/** As {@link openSession} does, without the ledger. */
export async function openWorkSession(options: SessionOptions): Promise<WorkSession> {
  const { deployment } = options;
  const folder = openStateFolder(options.state);
  // First, as it may be far away: there is nothing to undo when it cannot be reached.
  const coordination = await openCoordination(() => folder.coordinationFile, deployment);
  const found = await findBroker(options).catch(async (error: unknown) => {
    await coordination.close();
    throw error;
  });
  const broker = openBroker(found.endpointUrl, deployment);
  const claims = openClaims(folder.claims, deployment);
  const answers = openAnswers(folder.answers);
  return {
    folder,
    endpointUrl: found.endpointUrl,
    deployment,
    broker,
    coordination,
    claims,
    answers,
    close: async () => {
      await broker.close();
      await Promise.all([coordination.close(), claims.close(), answers.close()]);
      await found.close();
    },
  };
}
