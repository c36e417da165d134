import type { IGrantable } from "aws-cdk-lib/aws-iam";
import { LEDGER_QUEUE, deadQueue, failedQueue, laneQueue } from "../../shared/broker/broker.ts";
import { ANSWERS_PREFIX } from "../../shared/deployment/outputs.ts";
import type { LaneConfig } from "../../shared/config/config.ts";
import { secretsOfLane } from "../../shared/config/secrets-schema.ts";
import type { Environment } from "../environments/environment.ts";
import type { Backbone } from "./backbone.ts";
import {
  mayCoordinate,
  mayFind,
  mayKeep,
  mayPublish,
  mayReadSecrets,
  mayReceive,
  maySend,
  mayWrite,
} from "./permissions.ts";
import type { SecretStore } from "./permissions.ts";
import type { Stores } from "./stores.ts";

/** What every worker works with, whatever it runs on. */
export interface WorkerParts {
  readonly backbone: Backbone;
  readonly stores: Stores;
  /** Names of the deployment's stores, as `shared/lambda/stores.ts` reads them. */
  readonly variables: Readonly<Record<string, string>>;
  /** Where secrets are, and what stands before their names; undefined: nowhere. */
  readonly secrets: SecretStore | undefined;
  readonly logRetentionDays: Environment["logs"]["retentionDays"];
}

/** Takes a lane's messages, puts calls back, saves answers, tells outcomes, and keeps to limits; nothing else. */
export function grantWorker(
  who: IGrantable,
  { name: lane, auth }: Pick<LaneConfig, "name" | "auth">,
  { backbone, stores, secrets }: WorkerParts,
): void {
  const own = backbone.queue(laneQueue(lane));
  mayReceive(who, [own]);
  maySend(who, [own, backbone.queue(failedQueue(lane)), backbone.queue(deadQueue(lane))]);
  mayFind(who, [backbone.queue(LEDGER_QUEUE)]);
  mayPublish(who, [backbone.topics.outcomes]);
  mayCoordinate(who, stores.coordination);
  mayKeep(who, stores.claims);
  if (secrets !== undefined) {
    mayReadSecrets(
      who,
      backbone,
      secrets,
      secretsOfLane(auth === undefined ? {} : { auth }, secrets),
    );
  }
  mayWrite(who, stores.results, ANSWERS_PREFIX);
}
