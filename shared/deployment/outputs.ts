/** What stacks tell of themselves, for commands that find a deployment by its environment's name. */

export const PIPELINE_OUTPUTS = {
  coordinationTable: "CoordinationTable",
  plansBucket: "PlansBucket",
  claimsBucket: "ClaimsBucket",
  resultsBucket: "ResultsBucket",
  producerFunction: "ProducerFunction",
} as const;

export const LEDGER_OUTPUTS = {
  /** Answers whoever may write. */
  function: "LedgerFunction",
  /** Answers whoever may only look. */
  queryFunction: "QueryFunction",
} as const;

/** `Lanes1`, `Lanes2` and so on: pieces of one text, which `deployed-lanes.ts` writes and reads. */
export const LANES_OUTPUT = "Lanes";

/** In the results bucket: answers that calls save, and plans whose `save` is `s3://<results bucket>/answers/…`. */
export const ANSWERS_PREFIX = "answers/";
