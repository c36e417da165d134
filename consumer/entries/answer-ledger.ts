import { SenpuError } from "../../shared/errors.ts";
import {
  MAX_PAGE_BYTES,
  MAX_PAGE_ROWS,
  READING_METHODS,
  WRITING_METHODS,
} from "../../shared/ledger/function-wire.ts";
import type {
  LedgerAnswer,
  LedgerAnswers,
  LedgerMethod,
  Page,
} from "../../shared/ledger/function-wire.ts";
import type { Ledger } from "../../shared/ledger/ledger.ts";
import * as read from "./ledger-arguments.ts";

/** `read`: methods that only look. `write`: all that travels. */
export type LedgerAccess = "read" | "write";

/**
 * One method of the ledger for who asks from outside. An error of senpu's own is an answer; any other is thrown.
 * `event`: a {@link LedgerRequest}, which nobody has checked.
 */
export async function answerLedger(
  ledger: Ledger,
  event: unknown,
  access: LedgerAccess,
): Promise<LedgerAnswer> {
  try {
    const { method, args } = readRequest(event, access);
    return { value: (await METHODS[method](ledger, args)) ?? null };
  } catch (error) {
    if (!(error instanceof SenpuError)) throw error;
    return { error: { code: error.code, message: error.message } };
  }
}

function readRequest(
  event: unknown,
  access: LedgerAccess,
): { method: LedgerMethod; args: readonly unknown[] } {
  const { method, args } = (event ?? {}) as Partial<Record<string, unknown>>;
  const allowed = access === "read" ? READING_METHODS : [...READING_METHODS, ...WRITING_METHODS];
  const found = allowed.find((one) => one === method);
  if (found === undefined && WRITING_METHODS.some((one) => one === method)) {
    throw new SenpuError(
      "ledger",
      `${String(method)} changes the ledger, and this function only reads it; ask the one that writes`,
    );
  }
  if (found === undefined) throw read.unsuitable("method", `one of ${allowed.join(", ")}`, method);
  if (!Array.isArray(args)) throw read.unsuitable("args", "a list", args);
  return { method: found, args: args as unknown[] };
}

type Answer = (ledger: Ledger, args: readonly unknown[]) => Promise<unknown>;

/** The closed list of what is answered, each with its arguments checked. */
const METHODS: Readonly<Record<LedgerMethod, Answer>> = {
  findRun: (ledger, [id]) => ledger.findRun(read.readText(id, "id")),
  listRuns: (ledger, [limit, skip]) =>
    listRuns(ledger, read.readInteger(limit, "limit"), read.readInteger(skip, "skip")),
  known: async (ledger, [run, ids]) => {
    const found = await ledger.known(
      read.readText(run, "run"),
      read.readTexts(ids, "ids", MAX_PAGE_ROWS),
    );
    const { settled, planned, succeeded } = found;
    return {
      settled: [...settled],
      planned: [...planned],
      succeeded: [...succeeded],
    } satisfies LedgerAnswers["known"];
  },
  figures: (ledger, [run, at]) =>
    ledger.figures(read.readText(run, "run"), read.readInteger(at, "at")),
  calls: (ledger, [run, filter]) =>
    pageOf(ledger.calls(read.readText(run, "run"), read.readFilter(filter, "filter"))),
  events: (ledger, [run]) => ledger.events(read.readText(run, "run")),
  createRun: (ledger, [run, by]) =>
    ledger.createRun(read.readNewRun(run, "run"), read.readText(by, "by")),
  restartRun: (ledger, [id, from, by, at, tolerance]) =>
    ledger.restartRun(
      read.readText(id, "id"),
      read.readFrom(from, "from"),
      read.readText(by, "by"),
      read.readInteger(at, "at"),
      read.readOptional(tolerance, "tolerance", read.readTolerance),
    ),
  setState: (ledger, [id, state, by, at]) =>
    ledger.setState(
      read.readText(id, "id"),
      read.readState(state, "state"),
      read.readText(by, "by"),
      read.readInteger(at, "at"),
    ),
  beat: (ledger, [id, at, owner]) =>
    ledger.beat(
      read.readText(id, "id"),
      read.readInteger(at, "at"),
      read.readOptional(owner, "owner", read.readText),
    ),
  record: (ledger, [records, at]) =>
    ledger.record(read.readClosingRecords(records, "records"), read.readInteger(at, "at")),
};

async function listRuns(
  ledger: Ledger,
  limit: number,
  skip: number,
): Promise<LedgerAnswers["listRuns"]> {
  const rows = await ledger.listRuns(Math.min(limit, skip + MAX_PAGE_ROWS + 1));
  return pageOf(rows.slice(skip));
}

/** As many rows as an answer holds, one at least. */
async function pageOf<Row>(all: Iterable<Row> | AsyncIterable<Row>): Promise<Page<Row>> {
  const rows: Row[] = [];
  let bytes = 0;
  for await (const row of all) {
    const size = Buffer.byteLength(JSON.stringify(row)) + 1;
    if (rows.length > 0 && (bytes + size > MAX_PAGE_BYTES || rows.length >= MAX_PAGE_ROWS)) {
      return { rows, more: true };
    }
    rows.push(row);
    bytes += size;
  }
  return { rows, more: false };
}
