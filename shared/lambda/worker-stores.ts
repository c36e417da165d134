import type { AnswerStore } from "../answers/answer-store.ts";
import { openAnswers } from "../answers/open.ts";
import { createBroker } from "../broker/aws-broker.ts";
import type { Broker } from "../broker/broker.ts";
import { DEFAULT_PREFIX } from "../broker/topology.ts";
import type { ClaimStore } from "../claims/claim-store.ts";
import { openClaims } from "../claims/open.ts";
import type { Coordination } from "../coordination/coordination.ts";
import { openCoordination } from "../coordination/open.ts";
import { environmentVariable } from "../environment.ts";
import { stateFolder } from "./function-folder.ts";

/**
 * Where a function's stores come from: the one place, with `stores.ts` for the ledger, that decides between this machine
 * and AWS. Apart from it, because nothing that a consumer is bundled from may have a way to a database.
 *
 * In: environment variables. Out: the ports. `SENPU_ENDPOINT_URL` (an SNS/SQS endpoint; absent: AWS) and
 * `SENPU_PREFIX` (of topics and queues) make the broker; `SENPU_COORDINATION_TABLE` (in DynamoDB) coordination, else the
 * state folder that `SENPU_STATE` names does;
 * `SENPU_CLAIMS_BUCKET` (`bucket`, or `bucket/prefix`) keeps calls too large for a message in S3, else the state folder does;
 * `SENPU_ANSWERS_BUCKET` (the same) does so with answers that are saved.
 */
export interface WorkerStores {
  readonly broker: Broker;
  readonly coordination: Coordination;
  readonly claims: ClaimStore;
  readonly answers: AnswerStore;
  /** Of every queue's full name, before a hyphen. */
  readonly prefix: string;
}

/** What a consumer needs, which holds no database connection. */
export async function openWorkerStores(): Promise<WorkerStores> {
  const { claims, answers } = stateFolder();
  return { ...(await openShared()), claims: openClaims(claims), answers: openAnswers(answers) };
}

/** What every function needs. */
export async function openShared(): Promise<Omit<WorkerStores, "claims" | "answers">> {
  const endpointUrl = environmentVariable("SENPU_ENDPOINT_URL");
  const prefix = environmentVariable("SENPU_PREFIX") ?? DEFAULT_PREFIX;
  const coordination = await openCoordination(() => stateFolder().coordinationFile);
  return {
    broker: createBroker({ prefix, ...(endpointUrl !== undefined && { endpointUrl }) }),
    coordination,
    prefix,
  };
}
