import type { Figures, RunState } from "./figures.ts";

/** States whose beginning is told: nothing of the run happens any more, unless a stopped one is resumed. */
export type EndState = Extract<RunState, "settled" | "stopped" | "cancelled">;

const SETTLED_EVENT_VERSION = 1;

/**
 * Tells the world that a run has ended, whichever way: on the outcomes topic, to a webhook, to a command. The figures are
 * those of the moment at which it is sent, but for the state, which is the one that is told of.
 * Arrives at least once, always with the same id: `<run>/settled`, `<run>/cancelled`, or `<run>/stopped/<generation>`,
 * since a stopped run can be resumed and end anew.
 */
export interface SettledEvent extends Figures {
  readonly v: number;
  readonly kind: "settled";
  readonly id: string;
  readonly state: EndState;
  /** When it ended, ISO 8601, UTC. */
  readonly at: string;
}

export function settledEvent(
  told: { readonly event: string; readonly state: EndState; readonly at: number },
  figures: Figures,
): SettledEvent {
  return {
    v: SETTLED_EVENT_VERSION,
    kind: "settled",
    id: told.event,
    at: new Date(told.at).toISOString(),
    ...figures,
    state: told.state,
  };
}

export function eventId(run: string, state: EndState, generation: number): string {
  return state === "stopped" ? `${run}/stopped/${generation}` : `${run}/${state}`;
}
