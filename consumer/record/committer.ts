import type { Coordination } from "../../shared/coordination/coordination.ts";
import type { Ledger, LedgerRecord } from "../../shared/ledger/ledger.ts";

/** Runs looked at when a recorder starts: its predecessor may have died between a run's end and telling of it. */
const RECENT_RUNS = 20;

/** Records, and tells the workers of runs that ended by it. */
export class Committer {
  readonly #ledger: Ledger;
  readonly #coordination: Coordination;
  readonly #listeners: (() => void)[] = [];

  constructor(ledger: Ledger, coordination: Coordination) {
    this.#ledger = ledger;
    this.#coordination = coordination;
  }

  /** The listener is called after each transaction. */
  onCommitted(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** On the disk when it resolves. */
  async commit(records: readonly LedgerRecord[]): Promise<void> {
    const { settled, stopped } = await this.#ledger.record(records, Date.now());
    for (const run of stopped) await this.#tellHeld(run, "stopped");
    for (const run of settled) await this.#coordination.releaseLanes(run);
    for (const listener of this.#listeners) listener();
  }

  /** Tells what a dead recorder, or whoever paused or cancelled a run and died, could not. */
  async catchUp(): Promise<void> {
    for (const { id, state } of await this.#ledger.listRuns(RECENT_RUNS)) {
      if (state === "stopped" || state === "paused" || state === "cancelled") {
        await this.#tellHeld(id, state);
      }
      if (state === "settled") await this.#coordination.releaseLanes(id);
    }
  }

  async #tellHeld(id: string, state: "stopped" | "paused" | "cancelled"): Promise<void> {
    const run = await this.#ledger.findRun(id);
    const control = await this.#coordination.control(id);
    // Somebody may have restarted or cancelled it meanwhile, and their word counts.
    if (run?.state !== state || (control !== undefined && control.state !== "running")) return;
    await this.#coordination.setControl(id, { generation: run.generation, state });
  }
}
