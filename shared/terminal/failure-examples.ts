import type { CallRow, Ledger } from "../ledger/ledger.ts";
import type { Figures } from "../model/figures.ts";

/** Causes without a status cannot be asked for by status; so many rows are looked through for one. */
const ROWS_LOOKED_AT = 200;
/** As many as a summary shows. */
const GROUPS_LOOKED_AT = 8;

/** One call of each of the most frequent groups of failures, for `renderSummary`. */
export async function collectExamples(
  ledger: Pick<Ledger, "calls">,
  figures: Figures,
): Promise<CallRow[]> {
  const examples: CallRow[] = [];
  const groups = figures.failures.toSorted((a, b) => b.count - a.count).slice(0, GROUPS_LOOKED_AT);
  for (const { reason, status } of groups) {
    const filter =
      status === null
        ? { state: "failed" as const, reason, limit: ROWS_LOOKED_AT }
        : { state: "failed" as const, reason, status: { from: status, to: status }, limit: 1 };
    for await (const row of ledger.calls(figures.run, filter)) {
      if (row.status !== status) continue;
      examples.push(row);
      break;
    }
  }
  return examples;
}
