import type { RunState } from "../../shared/model/figures.ts";

/** No message of the run will come to anything any more, unless it is resumed. */
export function hasEnded(state: RunState): boolean {
  return (
    state === "settled" || state === "stopped" || state === "cancelled" || state === "interrupted"
  );
}
