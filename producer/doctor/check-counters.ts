import { compareCounters, recount } from "../../shared/ledger/sqlite-recount.ts";
import { RUN_COLUMNS } from "../../shared/ledger/sqlite-runs.ts";
import type { StoredRun } from "../../shared/ledger/stored-run.ts";
import type { SqliteFile } from "../../shared/sqlite-file.ts";
import { formatCount, formatQuantity } from "../../shared/terminal/format.ts";
import { nameSome, ok, problem } from "./finding.ts";
import type { Check, Finding } from "./finding.ts";
import { ledgerStore, readStore } from "./stores.ts";

const NAME = "counters";
/** Counting more calls takes a second or more. */
const SLOW_CALLS = 400_000;

/** Do each run's figures agree with its rows? Recording changes both in one transaction, so they always should. */
export const checkCounters: Check = ({ folder, onSlow }) =>
  readStore(ledgerStore(folder), (file) => {
    const runs = listStored(file);
    const calls = runs.reduce((sum, { recorded }) => sum + recorded, 0);
    if (calls > SLOW_CALLS) onSlow(`counting ${formatCount(calls)} calls`);
    const faults = runs.flatMap(({ key, id }) => checkRun(file, key, id));
    if (faults.length > 0) return faults;
    return [ok(NAME, `those of ${formatQuantity(runs.length, "run")} agree with what is recorded`)];
  }) ?? [];

export function listStored(file: SqliteFile): StoredRun[] {
  return file
    .prepare(`SELECT ${RUN_COLUMNS} FROM runs ORDER BY key`)
    .all() as unknown as StoredRun[];
}

function checkRun(file: SqliteFile, key: number, id: string): Finding[] {
  // At one moment, since a recorder may be at work.
  const { counted, differences } = file.snapshot(() => {
    const counted = recount(file, key);
    return { counted, differences: compareCounters(file, key, counted) };
  });
  const missing = counted.recorded - counted.rows;
  return [
    ...(differences.length === 0
      ? []
      : [
          problem(
            NAME,
            `run ${id}: ${nameSome(differences)}`,
            "senpu doctor --repair counts them anew from its calls",
          ),
        ]),
    ...(missing === 0
      ? []
      : [
          problem(
            NAME,
            `run ${id}: ${formatQuantity(missing, "call")} of ${formatCount(counted.recorded)} have no row any more`,
            `a damaged file lost them, and its kept copy may hold them; if the run has not ended, senpu resume ${id} makes them again`,
          ),
        ]),
  ];
}
