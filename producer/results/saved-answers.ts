import type { CallRow, Ledger, RunRow } from "../../shared/ledger/ledger.ts";
import type { SavedPlace } from "../../shared/model/answer.ts";
import { settingsOf } from "../run/begin-run.ts";

/** Runs looked at for replays of a run. */
const RUNS_LOOKED_AT = 10_000;
/** Calls whose earlier runs are asked for at once. */
const BATCH_ROWS = 500;

export interface SavedAnswer {
  readonly run: string;
  readonly id: string;
  /** Undefined: the call succeeded, and its worker kept nothing. */
  readonly place: SavedPlace | undefined;
}

type Reading = Pick<Ledger, "findRun" | "listRuns" | "calls" | "known">;

/** The run whose answers a run's are among: a replay completes what its parent saves. */
export async function rootOf(ledger: Reading, row: RunRow): Promise<RunRow> {
  const seen = new Set([row.id]);
  let root = row;
  while (root.parent !== null && !seen.has(root.parent)) {
    seen.add(root.parent);
    const parent = await ledger.findRun(root.parent);
    if (parent === undefined || targetOf(parent) !== targetOf(row)) break;
    root = parent;
  }
  return root;
}

/**
 * The saved answers of a run, each of its calls once, whatever was made and written twice: what the ledger has for a call
 * is one outcome, and that names one answer. First its own calls, in the order in which they were recorded; then those
 * of its that replays have made succeed, oldest replay first.
 */
export async function* savedAnswers(ledger: Reading, root: RunRow): AsyncGenerator<SavedAnswer> {
  const family = [root, ...(await replaysOf(ledger, root))];
  for (const [age, { id: run }] of family.entries()) {
    const earlier = family.slice(0, age);
    for await (const rows of inBatches(
      ledger.calls(run, { state: "succeeded", withAnswers: true }),
    )) {
      const passed = age === 0 ? () => true : await completes(ledger, earlier, rows);
      for (const { id, answer } of rows) {
        if (passed(id)) yield { run, id, place: answer?.saved };
      }
    }
  }
}

async function replaysOf(ledger: Reading, root: RunRow): Promise<RunRow[]> {
  const target = targetOf(root);
  const family = new Set([root.id]);
  const replays: RunRow[] = [];
  for (const row of (await ledger.listRuns(RUNS_LOOKED_AT)).toReversed()) {
    if (row.parent === null || !family.has(row.parent) || targetOf(row) !== target) continue;
    family.add(row.id);
    replays.push(row);
  }
  return replays;
}

/** Calls of the first run that no earlier one has made succeed; a replay may have those of other runs too. */
async function completes(
  ledger: Reading,
  earlier: readonly RunRow[],
  rows: readonly CallRow[],
): Promise<(id: string) => boolean> {
  const ids = rows.map(({ id }) => id);
  const known = await Promise.all(earlier.map(({ id }) => ledger.known(id, ids)));
  return (id) => known[0]!.planned.has(id) && !known.some(({ succeeded }) => succeeded.has(id));
}

function targetOf(row: RunRow): string | undefined {
  return settingsOf(row).policy?.answers?.save?.to;
}

async function* inBatches(rows: AsyncIterable<CallRow>): AsyncGenerator<CallRow[]> {
  let batch: CallRow[] = [];
  for await (const row of rows) {
    batch.push(row);
    if (batch.length < BATCH_ROWS) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
