import type { RunState } from "../../shared/model/figures.ts";

/** What a run's state is for the page's badge, and how glad it is of it. */
export function nameState(
  state: RunState,
  failed: number,
): { readonly word: string; readonly mood: "good" | "bad" | "waiting" } {
  if (state === "settled") return { word: "settled", mood: failed === 0 ? "good" : "bad" };
  const isWaiting = state === "running" || state === "paused";
  return { word: state, mood: isWaiting ? "waiting" : "bad" };
}

/** What of a report is not the last word, as a sentence; undefined for a run that has ended for good. */
export function describeUnfinished(state: RunState): string | undefined {
  const sentences: Readonly<Record<RunState, string | undefined>> = {
    settled: undefined,
    cancelled: undefined,
    running: "The run goes on: this is what was known when the report was made.",
    paused: "The run is paused: its calls to come are in no chart.",
    stopped: "The run was stopped before its end: its calls to come are in no chart.",
    interrupted: "The run was interrupted: its calls to come are in no chart.",
  };
  return sentences[state];
}
