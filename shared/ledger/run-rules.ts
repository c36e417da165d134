import { HEARTBEAT_DEAD_MS } from "./ledger.ts";
import type { RunRow } from "./ledger.ts";
import type { RunState } from "../model/figures.ts";

/** What a run's row means, whatever store it comes from. */

/** Fewer planned calls than this, before their number is known, are taken for this many. */
const TOLERANCE_LEAST_PLANNED = 100;

/** The closing record was seen, its count agrees with the planned calls, and each has an outcome. */
export function isComplete(
  run: Pick<RunRow, "closedPlanned" | "planned" | "succeeded" | "failed" | "cancelled">,
): boolean {
  return (
    run.planned === run.closedPlanned && run.succeeded + run.failed + run.cancelled === run.planned
  );
}

/** More calls have failed than the run's tolerance allows, since it was last taken up after it had passed it. */
export function passesTolerance(
  run: Pick<RunRow, "tolerance" | "closedPlanned" | "planned" | "failed" | "forgiven">,
): boolean {
  if (run.tolerance === null) return false;
  const planned = run.closedPlanned ?? Math.max(run.planned, TOLERANCE_LEAST_PLANNED);
  return run.failed - run.forgiven > run.tolerance * planned;
}

/** Nothing changes the state of such a run any more. */
export function isFinal(state: RunState): boolean {
  return state === "settled" || state === "cancelled";
}

/** May a command make a run of state `from` one of state `to`? */
export function mayBecome(from: RunState, to: RunState): boolean {
  if (isFinal(from) || from === to) return false;
  if (to === "paused") return from === "running";
  return to !== "running" || from === "paused";
}

/** The state to show: a running run whose owner died is interrupted, though nobody could write that down. */
export function stateAt(run: Pick<RunRow, "state" | "beatAt">, at: number): RunState {
  return run.state === "running" && at - run.beatAt > HEARTBEAT_DEAD_MS ? "interrupted" : run.state;
}

/** From the run's creation to its end or pause; to now while it goes on, to the last beat where its owner died. */
export function elapsedMs(
  run: Pick<RunRow, "state" | "beatAt" | "createdAt" | "endedAt">,
  at: number,
): number {
  const dead = run.state === "running" && stateAt(run, at) === "interrupted";
  return Math.max(0, (run.endedAt ?? (dead ? run.beatAt : at)) - run.createdAt);
}
