import { SqliteFile } from "../sqlite-file.ts";
import type { Figures, RunState } from "../model/figures.ts";
import { hostOf } from "../model/host.ts";
import type {
  CallFilter,
  CallRow,
  KnownIds,
  Ledger,
  LedgerRecord,
  NewRun,
  OutboxFailure,
  OutboxRow,
  RecordResult,
  RunEvent,
  RunRow,
} from "./ledger.ts";
import { elapsedMs, stateAt } from "./run-rules.ts";
import { HOST_FUNCTION, readCalls, readKnown } from "./sqlite-calls.ts";
import { readFailures, readLatency } from "./sqlite-counters.ts";
import { confirmOutbox, readOutbox } from "./sqlite-outbox.ts";
import { pruneRuns } from "./sqlite-prune.ts";
import { recordBatch } from "./sqlite-record.ts";
import * as runs from "./sqlite-runs.ts";
import { LEDGER_SCHEMA } from "./sqlite-schema.ts";
import { toRunRow } from "./stored-run.ts";

export interface SqliteLedgerOptions {
  /** Pages of 4,096 bytes past which recording fails as on a full disk. Default: no limit but the disk. */
  readonly maxPageCount?: number;
}

/**
 * The ledger in one SQLite file, made if it is missing; any number of processes may open it at once.
 * Each batch is on the disk when `record` resolves. Throws SenpuError `ledger`.
 */
export function openSqliteLedger(path: string, options: SqliteLedgerOptions = {}): Ledger {
  const file = new SqliteFile({
    path,
    code: "ledger",
    durability: "full",
    schema: LEDGER_SCHEMA,
    ...options,
  });
  file.defineFunction(HOST_FUNCTION, hostOf);
  return new SqliteLedger(file);
}

class SqliteLedger implements Ledger {
  readonly #file: SqliteFile;

  constructor(file: SqliteFile) {
    this.#file = file;
  }

  async createRun(run: NewRun, by?: string): Promise<void> {
    runs.createRun(this.#file, run, by);
  }

  async findRun(id: string): Promise<RunRow | undefined> {
    const stored = this.#file.read(() => runs.findRun(this.#file, id));
    return stored && toRunRow(stored);
  }

  async listRuns(limit: number): Promise<RunRow[]> {
    return this.#file.read(() => runs.listRuns(this.#file, limit));
  }

  async restartRun(
    id: string,
    from: Pick<RunRow, "generation" | "state">,
    by: string,
    at: number,
    tolerance?: number | null,
  ): Promise<number> {
    return runs.restartRun(this.#file, id, from, by, at, tolerance);
  }

  async setState(id: string, state: RunState, by: string, at: number): Promise<RunState> {
    return runs.setState(this.#file, id, state, by, at);
  }

  async beat(id: string, at: number, owner?: string): Promise<void> {
    runs.beat(this.#file, id, at, owner);
  }

  async record(records: readonly LedgerRecord[], at: number): Promise<RecordResult> {
    return this.#file.write(() => recordBatch(this.#file, records, at));
  }

  async known(run: string, ids: readonly string[]): Promise<KnownIds> {
    return this.#file.snapshot(() => readKnown(this.#file, run, ids));
  }

  async figures(id: string, at: number): Promise<Figures> {
    return this.#file.snapshot(() => {
      const run = runs.requireRun(this.#file, id);
      const { name, parent, planned, succeeded, failed, cancelled, attempts, duplicates } = run;
      return {
        run: id,
        name,
        state: stateAt(run, at),
        parent,
        planned,
        succeeded,
        failed,
        cancelled,
        pending: planned - succeeded - failed - cancelled,
        attempts,
        duplicates,
        elapsedMs: elapsedMs(run, at),
        latencyMs: readLatency(this.#file, run.key, run.maxLatencyMs),
        failures: readFailures(this.#file, run.key),
      };
    });
  }

  calls(run: string, filter: CallFilter): AsyncIterable<CallRow> {
    return readCalls(this.#file, run, filter);
  }

  async events(run: string): Promise<RunEvent[]> {
    return this.#file.read(() => runs.readEvents(this.#file, run));
  }

  async outbox(): Promise<OutboxRow[]> {
    return this.#file.read(() => readOutbox(this.#file));
  }

  async confirmOutbox(ids: readonly string[]): Promise<void> {
    confirmOutbox(this.#file, ids);
  }

  async noteFailure(run: string, what: OutboxFailure, by: string, at: number): Promise<void> {
    runs.noteFailure(this.#file, run, what, by, at);
  }

  async prune(before: number): Promise<string[]> {
    return await pruneRuns(this.#file, before);
  }

  async close(): Promise<void> {
    this.#file.close();
  }
}
