import { setTimeout as wait } from "node:timers/promises";
import type { Ledger } from "../../shared/ledger/ledger.ts";
import type { Progress } from "../../shared/terminal/progress.ts";

/** A person sees a difference no sooner, and the ledger's writers hardly notice. */
const LOOK_EVERY_MS = 250;
/** The same, where each look is a request to a function. */
const LOOK_FAR_EVERY_MS = 2_000;

/**
 * Shows a run's progress as the ledger knows it, whoever works on it; resolves once the run is not running any more.
 * `isFar`: the ledger is a deployment's.
 */
export async function watchRun(
  ledger: Ledger,
  run: string,
  progress: Progress,
  isFar: boolean,
): Promise<void> {
  try {
    for (;;) {
      const figures = await ledger.figures(run, Date.now());
      if (figures.state !== "running") return;
      const row = await ledger.findRun(run);
      const closedPlanned = row?.closedPlanned ?? null;
      progress.update({ ...figures, plannedIsFinal: figures.planned === closedPlanned, lanes: [] });
      await wait(isFar ? LOOK_FAR_EVERY_MS : LOOK_EVERY_MS);
    }
  } finally {
    progress.end();
  }
}
