import type { FargateWorker } from "../config/fargate-worker.ts";
import type { LambdaWorker } from "../config/lambda-worker.ts";

/** How much a run has of what costs. */
export interface RunVolume {
  /** From its first publish to its last outcome. */
  readonly durationMs: number;
  readonly lanes: readonly LaneVolume[];
  /** Does a ledger record it? */
  readonly isRecorded: boolean;
}

export interface LaneVolume {
  readonly lane: string;
  readonly worker: LambdaWorker | FargateWorker;
  readonly calls: number;
  /** Attempts that a call takes in the mean; at least 1. */
  readonly attempts: number;
  readonly messages: number;
  /** Of the messages. */
  readonly bytes: number;
  /** POST and PATCH. */
  readonly unsafe: number;
  /** Calls too large for a message, and their bytes. */
  readonly claims: number;
  readonly claimBytes: number;
  /** From the lane's first call to its last. */
  readonly durationMs: number;
  readonly hasRate: boolean;
}
