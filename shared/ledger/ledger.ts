import type { Answer } from "../model/answer.ts";
import type { Figures, RunState } from "../model/figures.ts";
import type { EndState } from "../model/settled-event.ts";
import type { CallState, Outcome, Reason } from "../model/outcome.ts";

/**
 * The ledger port: the truth about runs and calls.
 *
 * In: what was planned, what became of it, in any order, any number of times, through any number of recorders.
 * Out: figures and rows whose sums agree at any moment, because counters change in the transaction that inserts.
 * Every method throws SenpuError `ledger` when the store fails; then nothing of that call was stored.
 */
export interface Ledger {
  /** Stores a run before its first publish. Throws `run` if the id exists. `by` as in {@link RunEvent}: this process. */
  createRun(run: NewRun, by?: string): Promise<void>;
  findRun(id: string): Promise<RunRow | undefined>;
  /** Newest first. */
  listRuns(limit: number): Promise<RunRow[]>;
  /**
   * A new generation: state `running`, closing record and owner forgotten, elapsed time goes on. Returns the generation.
   * A stopped run's failures so far are forgiven; `tolerance`, where it is given, holds from now on.
   * Throws `run` when the run has ended for good, or is not what it was in `from` any more: of two that take it up at
   * once, one does, and who holds it meanwhile is heard.
   */
  restartRun(
    id: string,
    from: Pick<RunRow, "generation" | "state">,
    by: string,
    at: number,
    tolerance?: number | null,
  ): Promise<number>;
  /**
   * Changes the state and keeps who did it and when. `cancelled` also settles every pending call as cancelled. A run that
   * becomes stopped or cancelled gets its rows of the outbox.
   * A `settled` or `cancelled` run stays what it is, only a `running` one becomes `paused`, and only a `paused` one
   * `running` (its history says `unpaused`); returns the state that then holds.
   */
  setState(id: string, state: RunState, by: string, at: number): Promise<RunState>;
  /**
   * The run's owner lives. A running run without a beat for {@link HEARTBEAT_DEAD_MS} shows as `interrupted`.
   * `owner`: which process that is; kept until another is told or the run is restarted.
   */
  beat(id: string, at: number, owner?: string): Promise<void>;
  /**
   * One transaction: planned calls, outcomes and closing records.
   * - an outcome before its plan makes a stub, which counts as planned only once its plan arrives;
   * - `succeeded` outranks `failed`, which outranks `cancelled`; any other later outcome counts as a duplicate;
   * - what was kept of a call's answer is stored with its outcome, and replaced with it;
   * - a call planned into a cancelled run is cancelled at once;
   * - a run whose closing count, planned calls and outcomes agree becomes `settled` (once);
   * - a running run with more failed than its tolerance allows, those forgiven left out, becomes `stopped`: of the
   *   planned, when the closing record is there, else of the planned so far or 100, whichever is more.
   * A run that becomes settled or stopped gets its rows of the outbox: the event, and what its settings say under
   * `onSettled`. Records of runs that are not there are counted in `orphans` and otherwise ignored.
   */
  record(records: readonly LedgerRecord[], at: number): Promise<RecordResult>;
  /** What is known of these ids; nothing of a run that is not there. */
  known(run: string, ids: readonly string[]): Promise<KnownIds>;
  /** Throws `run` for an unknown id. `at` is now, for elapsed time and a dead heartbeat. */
  figures(run: string, at: number): Promise<Figures>;
  /** The run's calls that pass the filter, in the order they were first recorded; streamed. */
  calls(run: string, filter: CallFilter): AsyncIterable<CallRow>;
  /** Who did what to the run, oldest first. */
  events(run: string): Promise<RunEvent[]>;
  /** What is still to be told of runs that have ended, oldest first; `confirmOutbox` forgets it. */
  outbox(): Promise<OutboxRow[]>;
  confirmOutbox(ids: readonly string[]): Promise<void>;
  /** Keeps in the run's history that something was tried in vain; nothing for a run that is not there. */
  noteFailure(run: string, what: OutboxFailure, by: string, at: number): Promise<void>;
  /**
   * Forgets runs created before `before`, but for those running or paused whose owner has lived since, and gives the
   * space back. Returns their ids.
   */
  prune(before: number): Promise<string[]>;
  close(): Promise<void>;
}

/** A running run whose owner has not beaten for so long counts as interrupted. */
export const HEARTBEAT_DEAD_MS = 10_000;

export interface NewRun {
  readonly id: string;
  readonly name: string;
  readonly parent: string | null;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** What the calls come from, with digests, as JSON; only the producer reads it. */
  readonly source: string;
  /** Lanes, policy and `onSettled` as JSON, for whoever looks at the run later, and for its end. */
  readonly settings: string;
  /** Share of failed calls, 0–1, past which the run stops; null: never. */
  readonly tolerance: number | null;
}

export interface RunRow extends NewRun {
  readonly state: RunState;
  readonly generation: number;
  /** When it came into its state; null while that is `running`. */
  readonly endedAt: number | null;
  readonly beatAt: number;
  /** The process that beats, as it named itself; null: none has, since the run was begun or restarted. */
  readonly owner: string | null;
  /** The closing record's count; null until it was seen. */
  readonly closedPlanned: number | null;
  readonly planned: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Of `failed`: what does not count against the tolerance, because the run was taken up again after it had passed it. */
  readonly forgiven: number;
  readonly cancelled: number;
}

export type LedgerRecord =
  | { readonly kind: "planned"; readonly run: string; readonly calls: readonly PlannedCall[] }
  | {
      readonly kind: "outcomes";
      readonly run: string;
      readonly lane: string;
      readonly worker: string;
      readonly outcomes: readonly Outcome[];
    }
  | {
      readonly kind: "closed";
      readonly run: string;
      readonly generation: number;
      readonly planned: number;
    };

export interface PlannedCall {
  readonly id: string;
  readonly lane: string;
  readonly method: string;
  readonly url: string;
}

export interface RecordResult {
  /** Runs that became settled, or stopped, by these records. */
  readonly settled: readonly string[];
  readonly stopped: readonly string[];
  readonly orphans: number;
}

/** Of the ids that were asked for. */
export interface KnownIds {
  /** They have an outcome. */
  readonly settled: Set<string>;
  readonly planned: Set<string>;
  readonly succeeded: Set<string>;
}

/** Filters as `calls`, `dlq` and `replay` share them. All given ones must hold. */
export interface CallFilter {
  readonly state?: CallState;
  readonly reason?: Reason;
  /** An exact status, or a class given by its first digit: `{ from: 500, to: 599 }`. */
  readonly status?: { readonly from: number; readonly to: number };
  readonly lane?: string;
  /** Host of the URL, port included where the URL has one. */
  readonly host?: string;
  readonly id?: string;
  /** Only calls that were recorded after the one of this id. Throws `run` for a call that is not there. */
  readonly after?: string;
  readonly limit?: number;
  /** Rows have what was kept of their answers. */
  readonly withAnswers?: true;
}

/** `senpu calls --json` prints just this, a line a call. */
export interface CallRow {
  readonly run: string;
  readonly id: string;
  readonly lane: string;
  readonly method: string;
  readonly url: string;
  readonly state: CallState;
  readonly reason: Reason | null;
  readonly status: number | null;
  readonly attempts: number;
  /** ISO 8601, UTC. */
  readonly startedAt: string | null;
  readonly settledAt: string | null;
  readonly latencyMs: number | null;
  readonly error: string | null;
  readonly worker: string | null;
  /** Only where it was asked for; null: nothing was kept. */
  readonly answer?: Answer | null;
}

export interface RunEvent {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly what: "created" | "restarted" | "unpaused" | OutboxFailure | RunState;
  /** A command, its process and its user, or `recorder`. */
  readonly by: string;
}

export type OutboxFailure = "webhook failed" | "command failed";

/** One way in which a run's end is to be told. */
export interface OutboxRow {
  readonly id: string;
  readonly run: string;
  /** The event's id: the same each time it is told, and in each way. */
  readonly event: string;
  readonly task: OutboxTask;
  readonly state: EndState;
  /** When the run came into that state, epoch milliseconds. */
  readonly at: number;
}

/** `event`: on the outcomes topic, always; the others as the run's settings say. */
export type OutboxTask = "event" | "webhook" | "command";
