/**
 * By which names a deployment's stacks are declared, and found again. `prefix` is the deployment's, `senpu-<environment>`,
 * with which the names of its topics, queues and functions begin, too.
 */

/** Topics, queues, workers, the stores that they share, the producer. */
export function pipelineStackName(prefix: string): string {
  return `${prefix}-pipeline`;
}

/** The database, and the functions in its network. */
export function ledgerStackName(prefix: string): string {
  return `${prefix}-ledger`;
}
