import { SenpuError } from "../errors.ts";
import type { ErrorCode } from "../errors.ts";
import type { Figures, RunState } from "../model/figures.ts";
import { FunctionCaller } from "./function-caller.ts";
import { MAX_PAGE_BYTES, MAX_PAGE_ROWS } from "./function-wire.ts";
import type { LedgerAnswers, LedgerMethod } from "./function-wire.ts";
import type {
  CallFilter,
  CallRow,
  KnownIds,
  Ledger,
  LedgerRecord,
  NewRun,
  RecordResult,
  RunEvent,
  RunRow,
} from "./ledger.ts";

/**
 * The ledger by way of the Lambda function of that name, which is in the database's network where this process is not:
 * for producers and commands. Asked when it is first used. What only a recorder does (planned calls and outcomes, the
 * outbox) and pruning, which a schedule of the deployment does, it refuses.
 *
 * Throws SenpuError `ledger` when the function cannot be asked, and what the ledger behind it throws.
 */
export function openFunctionLedger(name: string, region?: string): Ledger {
  return new FunctionLedger(new FunctionCaller(name, region));
}

/** What would not be the same done twice: after an answer that is lost, whoever asked must look first. */
const ONCE: ReadonlySet<LedgerMethod> = new Set(["createRun", "restartRun"]);

class FunctionLedger implements Ledger {
  readonly #caller: FunctionCaller;

  constructor(caller: FunctionCaller) {
    this.#caller = caller;
  }

  async createRun(run: NewRun, by = `senpu (process ${process.pid})`): Promise<void> {
    await this.#ask("createRun", run, by);
  }

  async findRun(id: string): Promise<RunRow | undefined> {
    return (await this.#ask<LedgerAnswers["findRun"]>("findRun", id)) ?? undefined;
  }

  async listRuns(limit: number): Promise<RunRow[]> {
    // A run that is begun meanwhile moves the others on: one may come twice.
    const found = new Map<string, RunRow>();
    for (let asked = 0; ;) {
      const page = await this.#ask<LedgerAnswers["listRuns"]>("listRuns", limit, asked);
      for (const row of page.rows) found.set(row.id, row);
      asked += page.rows.length;
      if (!page.more || asked >= limit) return [...found.values()].slice(0, limit);
    }
  }

  restartRun(
    id: string,
    from: Pick<RunRow, "generation" | "state">,
    by: string,
    at: number,
    tolerance?: number | null,
  ): Promise<number> {
    const { generation, state } = from;
    return this.#ask("restartRun", id, { generation, state }, by, at, tolerance);
  }

  setState(id: string, state: RunState, by: string, at: number): Promise<RunState> {
    return this.#ask("setState", id, state, by, at);
  }

  async beat(id: string, at: number, owner?: string): Promise<void> {
    await this.#ask("beat", id, at, owner);
  }

  record(records: readonly LedgerRecord[], at: number): Promise<RecordResult> {
    return this.#ask("record", records, at);
  }

  async known(run: string, ids: readonly string[]): Promise<KnownIds> {
    const known = {
      settled: new Set<string>(),
      planned: new Set<string>(),
      succeeded: new Set<string>(),
    };
    for (const some of inPieces(ids)) {
      const answer = await this.#ask<LedgerAnswers["known"]>("known", run, some);
      for (const kind of ["settled", "planned", "succeeded"] as const) {
        for (const id of answer[kind]) known[kind].add(id);
      }
    }
    return known;
  }

  figures(run: string, at: number): Promise<Figures> {
    return this.#ask("figures", run, at);
  }

  async *calls(run: string, filter: CallFilter): AsyncIterable<CallRow> {
    let { after, limit = Number.MAX_SAFE_INTEGER } = filter;
    for (;;) {
      const wanted = { ...filter, limit, ...(after !== undefined && { after }) };
      const { rows, more } = await this.#ask<LedgerAnswers["calls"]>("calls", run, wanted);
      yield* rows;
      limit -= rows.length;
      after = rows.at(-1)?.id ?? after;
      if (!more || limit <= 0) return;
    }
  }

  events(run: string): Promise<RunEvent[]> {
    return this.#ask("events", run);
  }

  outbox(): Promise<never> {
    return this.#refuse("the outbox is its recorder's");
  }

  confirmOutbox(): Promise<never> {
    return this.#refuse("the outbox is its recorder's");
  }

  noteFailure(): Promise<never> {
    return this.#refuse("the outbox is its recorder's");
  }

  prune(): Promise<never> {
    return this.#refuse("its deployment forgets old runs by itself, by keepRunsDays");
  }

  async close(): Promise<void> {
    this.#caller.close();
  }

  async #ask<Answer>(method: LedgerMethod, ...args: unknown[]): Promise<Answer> {
    while (args.length > 0 && args.at(-1) === undefined) args.pop();
    const answer = await this.#caller.call({ method, args }, !ONCE.has(method));
    return this.#read(answer) as Answer;
  }

  #read(answer: unknown): unknown {
    const { value, error } = (answer ?? {}) as Partial<Record<string, unknown>>;
    if (value !== undefined) return value;
    const { code, message } = (error ?? {}) as Partial<Record<string, unknown>>;
    if (typeof message === "string" && CODES.some((one) => one === code)) {
      throw new SenpuError(code as ErrorCode, message);
    }
    throw new SenpuError(
      "ledger",
      `function ${this.#caller.name} answers as no ledger of senpu does; is it another's, or of another version?`,
    );
  }

  async #refuse(why: string): Promise<never> {
    throw new SenpuError("ledger", `ledger by function ${this.#caller.name}: ${why}`);
  }
}

/** Those that a ledger throws. */
const CODES: readonly ErrorCode[] = ["run", "ledger", "message", "config"];

/** Each no longer than a request may be. */
function* inPieces(ids: readonly string[]): Generator<string[]> {
  let piece: string[] = [];
  let bytes = 0;
  for (const id of ids) {
    const size = Buffer.byteLength(JSON.stringify(id)) + 1;
    if (piece.length > 0 && (bytes + size > MAX_PAGE_BYTES || piece.length >= MAX_PAGE_ROWS)) {
      yield piece;
      piece = [];
      bytes = 0;
    }
    piece.push(id);
    bytes += size;
  }
  if (piece.length > 0) yield piece;
}
