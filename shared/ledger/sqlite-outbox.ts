import type { SqliteFile } from "../sqlite-file.ts";
import type { EndState } from "../model/settled-event.ts";
import type { OutboxRow } from "./ledger.ts";
import { outboxRows } from "./outbox-rows.ts";

/** What is still to be told of runs that have ended. Written in the transaction that ends the run. */
export function fillOutbox(
  file: SqliteFile,
  run: { readonly id: string; readonly generation: number; readonly settings: string },
  state: EndState,
  at: number,
): void {
  const insert = file.prepare(
    "INSERT INTO outbox (id, run, event, task, state, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
  );
  for (const row of outboxRows(run, state, at)) {
    insert.run(row.id, row.run, row.event, row.task, row.state, row.at);
  }
}

export function readOutbox(file: SqliteFile): OutboxRow[] {
  return file
    .prepare("SELECT id, run, event, task, state, at FROM outbox ORDER BY number")
    .all() as unknown as OutboxRow[];
}

export function confirmOutbox(file: SqliteFile, ids: readonly string[]): void {
  file.write(() => {
    const forget = file.prepare("DELETE FROM outbox WHERE id = ?");
    for (const id of ids) forget.run(id);
  });
}
