import { SenpuError } from "../errors.ts";
import type { RunState } from "../model/figures.ts";
import type { RunRow } from "./ledger.ts";
import { isFinal } from "./run-rules.ts";

/** A run's row as a store holds it. */
export interface StoredRun extends RunRow {
  readonly key: number;
  /** Rows of its calls, those not yet planned included. */
  readonly recorded: number;
  readonly attempts: number;
  readonly duplicates: number;
  readonly maxLatencyMs: number | null;
}

export function toRunRow(stored: StoredRun): RunRow {
  const { key: _1, recorded: _2, attempts: _3, duplicates: _4, maxLatencyMs: _5, ...row } = stored;
  return row;
}

export function noRun(id: string): SenpuError {
  return new SenpuError("run", `no run ${id} in this ledger; senpu runs lists those there are`);
}

export function noCall(run: string, id: string): SenpuError {
  return new SenpuError("run", `run ${run} has no call ${id}`);
}

export function runExists(id: string): SenpuError {
  return new SenpuError("run", `run ${id} exists already; choose another id`);
}

/** Throws SenpuError `run` when nobody may take the run up, or somebody else has changed it since it was `from`. */
export function checkRestart(
  { id, state, generation }: Pick<RunRow, "id" | "state" | "generation">,
  from: Pick<RunRow, "state" | "generation">,
): void {
  if (isFinal(state)) {
    throw new SenpuError("run", `run ${id} is ${state}: there is nothing left to go on with`);
  }
  if (generation !== from.generation) {
    throw new SenpuError("run", `run ${id} was taken up by another process just now`);
  }
  if (state !== from.state) {
    throw new SenpuError("run", `run ${id} is ${state} since just now; look at it, then try again`);
  }
}

/** Throws SenpuError `run`. */
export function checkCommanded(state: RunState): void {
  if (state === "settled") {
    throw new SenpuError("run", "a run is settled by what is recorded, not by command");
  }
}
