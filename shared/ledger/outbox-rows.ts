import type { OnSettled } from "../model/on-settled.ts";
import { eventId } from "../model/settled-event.ts";
import type { EndState } from "../model/settled-event.ts";
import type { OutboxRow, OutboxTask } from "./ledger.ts";

/** What is to be told of a run that comes into that state: the event, and what its settings say under `onSettled`. */
export function outboxRows(
  run: { readonly id: string; readonly generation: number; readonly settings: string },
  state: EndState,
  at: number,
): OutboxRow[] {
  const event = eventId(run.id, state, run.generation);
  return tasksOf(run.settings).map((task) => ({
    id: task === "event" ? event : `${event}/${task}`,
    run: run.id,
    event,
    task,
    state,
    at,
  }));
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
