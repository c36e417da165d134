import type { ErrorCode } from "../errors.ts";
import type { CallRow, KnownIds, RunRow } from "./ledger.ts";

/**
 * What travels between `function-ledger.ts`, outside the database's network, and the function that answers it from
 * inside (`consumer/entries/lambda-ledger.ts`): one method of the ledger port an invocation, as JSON.
 */
export interface LedgerRequest {
  readonly method: LedgerMethod;
  /** As the port has them; those left out at the end are undefined. What the wire changes of them says {@link LedgerAnswers}. */
  readonly args: readonly unknown[];
}

/** An error of senpu's own travels in the answer, with its code; any other fails the invocation. */
export type LedgerAnswer =
  | { readonly value: unknown }
  | { readonly error: { readonly code: ErrorCode; readonly message: string } };

/** What only looks. */
export const READING_METHODS = [
  "findRun",
  "listRuns",
  "known",
  "figures",
  "calls",
  "events",
] as const;

/**
 * All that is needed to produce and to control runs. `record` takes closing records only: all others come from the ledger
 * queue, and the outbox and pruning are the recorder's.
 */
export const WRITING_METHODS = ["createRun", "restartRun", "setState", "beat", "record"] as const;

export type LedgerMethod = (typeof READING_METHODS)[number] | (typeof WRITING_METHODS)[number];

/** Methods whose answers are not the port's: a null stands for undefined, a list for a set, a page for all. */
export interface LedgerAnswers {
  readonly findRun: RunRow | null;
  /** A second argument says how many of the newest are left out. */
  readonly listRuns: Page<RunRow>;
  readonly known: Readonly<Record<keyof KnownIds, readonly string[]>>;
  readonly calls: Page<CallRow>;
}

export interface Page<Row> {
  readonly rows: readonly Row[];
  /** There may be more behind these. */
  readonly more: boolean;
}

/**
 * A page's rows are no more than this as JSON, and so are the ids of a request. An invocation's answer is 6 MB at the
 * most. Source: Lambda developer guide, "Lambda quotas".
 */
export const MAX_PAGE_BYTES = 1_500_000;
export const MAX_PAGE_ROWS = 5_000;

/** How long the function may take; who asks waits for a little longer. */
export const LEDGER_FUNCTION_TIMEOUT_MS = 60_000;
