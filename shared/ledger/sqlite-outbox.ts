import type { SqliteFile } from "../sqlite-file.ts";
import { eventId } from "../model/settled-event.ts";
import type { EndState } from "../model/settled-event.ts";
import type { OnSettled } from "../model/on-settled.ts";
import type { OutboxRow, OutboxTask } from "./ledger.ts";

/** What is still to be told of runs that have ended. Written in the transaction that ends the run. */
export function fillOutbox(
  file: SqliteFile,
  run: { readonly id: string; readonly generation: number; readonly settings: string },
  state: EndState,
  at: number,
): void {
  const event = eventId(run.id, state, run.generation);
  const insert = file.prepare(
    "INSERT INTO outbox (id, run, event, task, state, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
  );
  for (const task of tasksOf(run.settings)) {
    const id = task === "event" ? event : `${event}/${task}`;
    insert.run(id, run.id, event, task, state, at);
  }
}

/** Nothing of the settings is sure for a run that another senpu stored. */
function tasksOf(settings: string): OutboxTask[] {
  const { onSettled } = JSON.parse(settings) as { readonly onSettled?: OnSettled };
  return [
    "event",
    ...(onSettled?.webhook === undefined ? [] : (["webhook"] as const)),
    ...(onSettled?.command === undefined ? [] : (["command"] as const)),
  ];
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
