import { RANK } from "../model/outcome.ts";
import type { Outcome, Reason, SettledState } from "../model/outcome.ts";
import type { LedgerRecord, PlannedCall } from "./ledger.ts";
import { RunTally } from "./run-tally.ts";
import type { StoredRun } from "./stored-run.ts";

/** What a store knows of a call that a batch names. */
export interface KnownCall {
  readonly id: string;
  readonly position: number;
  readonly planned: boolean;
  /** Null: pending. */
  readonly outcome: KnownOutcome | null;
}

interface KnownOutcome {
  readonly state: SettledState;
  readonly reason: Reason | null;
  readonly status: number | null;
  readonly attempts: number;
  readonly latencyMs: number | null;
}

/** A row of `calls` that a batch adds, or where `isNew` is false, fills in. */
export interface CallChange extends PlannedCall {
  readonly run: number;
  readonly position: number;
  readonly planned: boolean;
  readonly isNew: boolean;
}

/** The outcome that a call has after the batch. */
export interface OutcomeChange extends KnownOutcome {
  readonly run: number;
  readonly position: number;
  readonly startedAt: number | null;
  readonly settledAt: number;
  readonly error: string | null;
  readonly worker: string | null;
  /** As JSON; null: nothing was kept. */
  readonly answer: string | null;
  /** There was an outcome before, whose answer goes. */
  readonly replaces: boolean;
}

/** A call while a batch is recorded. */
interface OpenCall {
  readonly position: number;
  planned: boolean;
  outcome: KnownOutcome | null;
}

/**
 * One run's part of a batch, worked out in memory: from what the store knows of its calls, what is to be written. The
 * store must let nobody else change the run meanwhile.
 */
export class RunBatch {
  readonly stored: StoredRun;
  readonly tally = new RunTally();
  /** Rows of the run in the store, those of this batch included. */
  recorded: number;
  closedPlanned: number | null;
  readonly #at: number;
  readonly #open = new Map<string, OpenCall>();
  readonly #calls = new Map<number, CallChange>();
  readonly #outcomes = new Map<number, OutcomeChange>();

  constructor(stored: StoredRun, known: readonly KnownCall[], at: number) {
    this.stored = stored;
    this.recorded = stored.recorded;
    this.closedPlanned = stored.closedPlanned;
    this.#at = at;
    for (const { id, ...call } of known) this.#open.set(id, call);
  }

  get calls(): Iterable<CallChange> {
    return this.#calls.values();
  }

  get outcomes(): Iterable<OutcomeChange> {
    return this.#outcomes.values();
  }

  add(record: LedgerRecord): void {
    switch (record.kind) {
      case "planned":
        for (const call of record.calls) this.#plan(call);
        break;
      case "outcomes":
        for (const outcome of record.outcomes) this.#settle(record, outcome);
        break;
      case "closed":
        // One of an older generation knows nothing of what was planned since.
        if (record.generation >= this.stored.generation) this.closedPlanned = record.planned;
        break;
    }
  }

  #plan(call: PlannedCall): void {
    const found = this.#open.get(call.id);
    if (found?.planned === true) return;
    this.tally.planned++;
    if (found === undefined) {
      const added = this.#addCall(call, true);
      if (this.stored.state !== "cancelled") return;
      this.#setOutcome(added, {
        id: call.id,
        state: "cancelled",
        attempts: 0,
        settledAt: this.#at,
      });
    } else {
      found.planned = true;
      const isNew = this.#calls.get(found.position)?.isNew ?? false;
      this.#setCall(found.position, call, true, isNew);
      if (found.outcome !== null) this.tally.add(found.outcome);
    }
  }

  #settle(
    { lane, worker }: { readonly lane: string; readonly worker: string },
    outcome: Outcome,
  ): void {
    const { id } = outcome;
    const call = this.#open.get(id) ?? this.#addCall({ id, lane, method: "", url: "" }, false);
    const before = call.outcome;
    if (before !== null && RANK[outcome.state] <= RANK[before.state]) {
      this.tally.duplicates++;
      return;
    }
    if (before !== null && call.planned) this.tally.takeOut(before);
    this.#setOutcome(call, outcome, worker);
  }

  #addCall(call: PlannedCall, planned: boolean): OpenCall {
    const added: OpenCall = { position: this.recorded++, planned, outcome: null };
    this.#open.set(call.id, added);
    this.#setCall(added.position, call, planned, true);
    return added;
  }

  #setCall(position: number, call: PlannedCall, planned: boolean, isNew: boolean): void {
    this.#calls.set(position, { ...call, run: this.stored.key, position, planned, isNew });
  }

  #setOutcome(call: OpenCall, outcome: Outcome, worker: string | null = null): void {
    const change: OutcomeChange = {
      run: this.stored.key,
      position: call.position,
      state: outcome.state,
      reason: outcome.reason ?? null,
      status: outcome.status ?? null,
      attempts: outcome.attempts,
      startedAt: outcome.startedAt ?? null,
      settledAt: outcome.settledAt,
      latencyMs: outcome.latencyMs ?? null,
      error: outcome.error ?? null,
      worker,
      answer: outcome.answer === undefined ? null : JSON.stringify(outcome.answer),
      replaces: call.outcome !== null,
    };
    call.outcome = change;
    this.#outcomes.set(call.position, change);
    if (call.planned) this.tally.add(change);
  }
}
