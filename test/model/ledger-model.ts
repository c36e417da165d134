import type { LedgerRecord } from "../../shared/ledger/ledger.ts";
import type { Outcome, SettledState } from "../../shared/model/outcome.ts";

/** What outranks what, in words of its own: the one that is tested must not be its own judge. */
const BETTER: Readonly<Record<SettledState, readonly SettledState[]>> = {
  cancelled: ["failed", "succeeded"],
  failed: ["succeeded"],
  succeeded: [],
};

export interface ModelCall {
  isPlanned: boolean;
  outcome: Outcome | undefined;
}

/** What a ledger should know of a run by what it was told, in the plainest way. */
export class ModelRun {
  readonly calls = new Map<string, ModelCall>();
  duplicates = 0;
  isCancelled = false;

  record(record: LedgerRecord): void {
    if (record.kind === "planned") for (const { id } of record.calls) this.#plan(id);
    else if (record.kind === "outcomes") for (const each of record.outcomes) this.#settle(each);
  }

  cancel(): void {
    this.isCancelled = true;
    for (const call of this.calls.values()) if (call.isPlanned) call.outcome ??= CANCELLED;
  }

  count(state: SettledState | "pending"): number {
    return [...this.calls.values()].filter(
      ({ isPlanned, outcome }) => isPlanned && (outcome?.state ?? "pending") === state,
    ).length;
  }

  #plan(id: string): void {
    const call = this.#call(id);
    call.isPlanned = true;
    if (this.isCancelled) call.outcome ??= CANCELLED;
  }

  #settle(outcome: Outcome): void {
    const call = this.#call(outcome.id);
    if (call.outcome === undefined || BETTER[call.outcome.state].includes(outcome.state)) {
      call.outcome = outcome;
    } else this.duplicates++;
  }

  #call(id: string): ModelCall {
    let call = this.calls.get(id);
    if (call === undefined) this.calls.set(id, (call = { isPlanned: false, outcome: undefined }));
    return call;
  }
}

const CANCELLED: Outcome = { id: "", state: "cancelled", attempts: 0, settledAt: 0 };
