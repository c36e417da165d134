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

export function passesTolerance(
  run: Pick<RunRow, "tolerance" | "closedPlanned" | "planned" | "failed">,
): boolean {
  if (run.tolerance === null) return false;
  const planned = run.closedPlanned ?? Math.max(run.planned, TOLERANCE_LEAST_PLANNED);
  return run.failed > run.tolerance * planned;
}

/** Nothing changes the state of such a run any more. */
export function isFinal(state: RunState): boolean {
  return state === "settled" || state === "cancelled";
}

/** The state to show: a running run whose owner died is interrupted, though nobody could write that down. */
export function stateAt(run: Pick<RunRow, "state" | "beatAt">, at: number): RunState {
  return run.state === "running" && at - run.beatAt > HEARTBEAT_DEAD_MS ? "interrupted" : run.state;
}

/** From the run's creation to its end; to now while it goes on, to the last beat where its owner died. */
export function elapsedMs(
  run: Pick<RunRow, "state" | "beatAt" | "createdAt" | "endedAt">,
  at: number,
): number {
  const dead = run.state === "running" && stateAt(run, at) === "interrupted";
  return Math.max(0, (run.endedAt ?? (dead ? run.beatAt : at)) - run.createdAt);
}
