import type { CallRow, Ledger } from "../../shared/ledger/ledger.ts";
import { openSqliteLedger } from "../../shared/ledger/sqlite-ledger.ts";
import type { Figures } from "../../shared/model/figures.ts";
import { stateFolderAt } from "../../shared/state/state-folder.ts";

/** What the ledger says of a run, read beside whoever writes it. */

export function figuresOf(state: string, run: string): Promise<Figures> {
  return withLedger(state, (ledger) => ledger.figures(run, Date.now()));
}

export function rowsOf(state: string, run: string): Promise<CallRow[]> {
  return withLedger(state, async (ledger) => {
    const rows: CallRow[] = [];
    for await (const row of ledger.calls(run, {})) rows.push(row);
    return rows;
  });
}

async function withLedger<Result>(
  state: string,
  read: (ledger: Ledger) => Promise<Result>,
): Promise<Result> {
  const ledger = openSqliteLedger(stateFolderAt(state).ledgerFile);
  try {
    return await read(ledger);
  } finally {
    await ledger.close();
  }
}
