import type { QueueSpec } from "../broker/topology.ts";
import type { Lane, Total } from "../model/lane.ts";
import type { FargateWorker } from "./fargate-worker.ts";
import type { SecretsConfig } from "./secrets-schema.ts";
import type { LambdaWorker } from "./lambda-worker.ts";

/** `senpu.config.yaml`, validated and fully defaulted; frozen. What is deployed, and what runs on this machine begin with. */
export interface Config {
  /** Absolute. */
  readonly path: string;
  /** As messages name it: relative to the working directory. */
  readonly shown: string;
  /** In order of matching; the last is always `default`, which takes the rest. */
  readonly lanes: readonly LaneConfig[];
  /** Where workers of a deployment find `${secret:name}`; absent: nowhere. */
  readonly secrets?: SecretsConfig;
  /** Over all lanes together; absent: no limit but theirs. */
  readonly total?: Total;
}

export interface LaneConfig extends Lane {
  /** Longest that one attempt may take, in milliseconds; what is derived of it holds for every call that takes no longer. */
  readonly timeoutMs: number;
  readonly queue: QueueConfig;
  /** What makes its calls on AWS. */
  readonly worker: LambdaWorker | FargateWorker;
  readonly alarms: AlarmConfig;
}

/** The lane's own queue; its `failed` and `dead` queues keep messages as long as SQS does. */
interface QueueConfig extends Pick<QueueSpec, "visibilitySeconds" | "retentionSeconds"> {
  /** Receives of a message after which SQS moves it to the `dead` queue. */
  readonly maxReceives: number;
}

interface AlarmConfig {
  /** The oldest message of the lane's queue may wait so long; absent: as the environment says. */
  readonly oldestMs?: number;
  /** So many calls in the `failed` queue raise the alarm. */
  readonly failed: number;
  /** So many messages in the `dead` queue raise the alarm. */
  readonly dead: number;
}
