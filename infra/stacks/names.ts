import type { Environment } from "../environments/environment.ts";

/** Names by which one part of a deployment finds another, so that no stack must wait for another's output. */

/** Of every topic, queue and function that is found by its name. */
export function deploymentPrefix({ name }: Environment): string {
  return `senpu-${name}`;
}

/** Answers for the ledger, to whoever has no way into its VPC. */
export function ledgerFunctionName(prefix: string): string {
  return `${prefix}-ledger`;
}

/** The same, for who may only look: `senpu status` and `senpu calls` elsewhere. */
export function queryFunctionName(prefix: string): string {
  return `${prefix}-query`;
}

/** A transaction takes milliseconds, and a database that wakes up some seconds. */
export const RECORDER_TIMEOUT_SECONDS = 30;
/** A batch of records waits for more so long. */
export const RECORDER_WINDOW_SECONDS = 1;
