import type { Coordination } from "../../shared/coordination/coordination.ts";
import type { Ledger } from "../../shared/ledger/ledger.ts";
import type { RunState } from "../../shared/model/figures.ts";

/**
 * Pauses a running run: the ledger first, because it is what everybody else goes by, then the workers. After a death in
 * between its conductor tells the workers, or a recorder that starts, or the same again.
 * Resolves with the state that the run then has: `paused`, or what it came into just before.
 */
export async function pauseRun(
  { ledger, coordination }: { readonly ledger: Ledger; readonly coordination: Coordination },
  run: string,
  by: string,
): Promise<RunState> {
  const state = await ledger.setState(run, "paused", by, Date.now());
  // A paused run's generation is raised only by who lets it go.
  const row = await ledger.findRun(run);
  if (row?.state === "paused") {
    await coordination.setControl(run, { generation: row.generation, state: "paused" });
  }
  return state;
}
