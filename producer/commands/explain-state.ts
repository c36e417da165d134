import type { Ledger, RunRow } from "../../shared/ledger/ledger.ts";
import { formatCount, formatQuantity } from "../../shared/terminal/format.ts";

/** Why a run stands still, as a sentence: who paused or cancelled it, or what its tolerance was. Undefined: it does not. */
export async function explainState(
  ledger: Pick<Ledger, "events">,
  row: RunRow,
): Promise<string | undefined> {
  if (row.state === "stopped") return explainStop(row);
  if (row.state !== "paused" && row.state !== "cancelled") return undefined;
  const events = await ledger.events(row.id);
  const by = events.findLast(({ what }) => what === row.state)?.by ?? "somebody";
  return `${row.state === "paused" ? "Paused" : "Cancelled"} by ${by}.`;
}

function explainStop({ failed, forgiven, planned, tolerance }: RunRow): string {
  const since = forgiven === 0 ? "" : " since it was resumed";
  const allowed = tolerance === null ? "" : `: more than the ${percentOf(tolerance)} it tolerates`;
  return `Stopped by its tolerance: ${formatCount(failed - forgiven)} of ${formatQuantity(planned, "call")} failed${since}${allowed}.`;
}

function percentOf(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`;
}
