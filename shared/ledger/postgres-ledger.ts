import type { Figures, RunState } from "../model/figures.ts";
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
import { readCalls, readKnown } from "./postgres-calls.ts";
import { readFigures } from "./postgres-counters.ts";
import { PostgresDatabase } from "./postgres-database.ts";
import { parsePostgresPlace } from "./postgres-place.ts";
import type { PostgresPlaceOptions } from "./postgres-place.ts";
import { pruneRuns } from "./postgres-prune.ts";
import { recordBatch } from "./postgres-record.ts";
import * as runs from "./postgres-runs.ts";
import { adoptSchema } from "./postgres-schema.ts";
import { toRunRow } from "./stored-run.ts";

export interface PostgresLedgerOptions extends PostgresPlaceOptions {
  /** How long a lost connection is tried for anew, from the first failure, in milliseconds. Default 30,000. */
  readonly patienceMs?: number;
}

/**
 * The ledger in the schema `senpu` of a PostgreSQL database (14 or later), made if it is missing; any number of processes
 * may open it at once. Connects when it is first used, once (so twice in a process that records in a thread of its own),
 * and not for longer than it is used. Throws SenpuError `config` for settings that cannot be right.
 */
export function openPostgresLedger(options: PostgresLedgerOptions): Ledger {
  const { patienceMs } = options;
  return new PostgresLedger(
    new PostgresDatabase({
      place: parsePostgresPlace(options),
      prepare: adoptSchema,
      ...(patienceMs !== undefined && { patienceMs }),
    }),
  );
}

class PostgresLedger implements Ledger {
  readonly #database: PostgresDatabase;

  constructor(database: PostgresDatabase) {
    this.#database = database;
  }

  createRun(run: NewRun, by = `senpu (process ${process.pid})`): Promise<void> {
    return runs.createRun(this.#database.transact, run, by);
  }

  async findRun(id: string): Promise<RunRow | undefined> {
    const stored = await runs.findRun(this.#database.query, id);
    return stored && toRunRow(stored);
  }

  async listRuns(limit: number): Promise<RunRow[]> {
    return (await runs.listRuns(this.#database.query, limit)).map(toRunRow);
  }

  restartRun(
    id: string,
    from: Pick<RunRow, "generation" | "state">,
    by: string,
    at: number,
    tolerance?: number | null,
  ): Promise<number> {
    return runs.restartRun(this.#database.transact, id, from, by, at, tolerance);
  }

  setState(id: string, state: RunState, by: string, at: number): Promise<RunState> {
    return runs.setState(this.#database.transact, id, state, by, at);
  }

  beat(id: string, at: number, owner?: string): Promise<void> {
    return runs.beat(this.#database.query, id, at, owner);
  }

  record(records: readonly LedgerRecord[], at: number): Promise<RecordResult> {
    return recordBatch(this.#database.transact, records, at);
  }

  known(run: string, ids: readonly string[]): Promise<KnownIds> {
    return readKnown(this.#database.query, run, ids);
  }

  figures(run: string, at: number): Promise<Figures> {
    return readFigures(this.#database.query, run, at);
  }

  calls(run: string, filter: CallFilter): AsyncIterable<CallRow> {
    return readCalls(this.#database.query, run, filter);
  }

  events(run: string): Promise<RunEvent[]> {
    return runs.readEvents(this.#database.query, run);
  }

  outbox(): Promise<OutboxRow[]> {
    return runs.readOutbox(this.#database.query);
  }

  confirmOutbox(ids: readonly string[]): Promise<void> {
    return runs.confirmOutbox(this.#database.query, ids);
  }

  noteFailure(run: string, what: OutboxFailure, by: string, at: number): Promise<void> {
    return runs.noteFailure(this.#database.transact, run, what, by, at);
  }

  prune(before: number): Promise<string[]> {
    const { query, transact } = this.#database;
    return pruneRuns(query, transact, before);
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}
