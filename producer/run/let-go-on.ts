import { setTimeout as sleep } from "node:timers/promises";
import type { Coordination } from "../../shared/coordination/coordination.ts";
import { SenpuError } from "../../shared/errors.ts";
import type { Ledger, RunRow } from "../../shared/ledger/ledger.ts";
import { hasLivingOwner } from "./owner.ts";

const LOOK_MS = 50;
/** Its owner waits for calls in flight, then for what was sent to the ledger: 130 s at the most. */
const PATIENCE_MS = 150_000;

export interface LetGoOptions {
  readonly ledger: Ledger;
  readonly coordination: Coordination;
  /** A paused run, as it was found. */
  readonly row: RunRow;
  readonly by: string;
  /** Called once, when it takes longer than a second. */
  readonly onWaiting: () => void;
}

/**
 * Asks the process that conducts a paused run to go on, and waits until workers make its calls again, or it has ended.
 * `ownerless`: that process has died meanwhile, and somebody else may conduct the run.
 * Throws SenpuError `run` when the run stays paused, with the reason.
 */
export async function letGoOn(options: LetGoOptions): Promise<"goes on" | "ownerless"> {
  const { ledger, coordination, row, by, onWaiting } = options;
  // So that its owner learns of the pause even if it never saw it, and whoever paused it died before workers were told.
  await coordination.setControl(row.id, { generation: row.generation, state: "paused" });
  await ledger.setState(row.id, "running", by, Date.now());
  const startedAt = performance.now();
  for (let isTold = false; ; await sleep(LOOK_MS)) {
    const now = await ledger.findRun(row.id);
    if (now === undefined) throw new SenpuError("run", `run ${row.id} was pruned just now`);
    if (now.state === "paused") throw await staysPaused(ledger, row.id);
    if (now.state !== "running") return "goes on";
    if (now.generation > row.generation && (await isOpen(coordination, now))) return "goes on";
    if (!hasLivingOwner(now, Date.now())) return "ownerless";
    const waitedMs = performance.now() - startedAt;
    if (waitedMs > 1_000 && !isTold) {
      isTold = true;
      onWaiting();
    }
    if (waitedMs > PATIENCE_MS) throw tooLong(row.id);
  }
}

async function isOpen(coordination: Coordination, row: RunRow): Promise<boolean> {
  const control = await coordination.control(row.id);
  return control?.generation === row.generation && control.state === "running";
}

async function staysPaused(ledger: Ledger, run: string): Promise<SenpuError> {
  const by = (await ledger.events(run)).findLast(({ what }) => what === "paused")?.by;
  return new SenpuError("run", `run ${run} stays paused, by ${by ?? "somebody"}`);
}

function tooLong(run: string): SenpuError {
  return new SenpuError(
    "state",
    `the process that conducts run ${run} lives, but has not gone on for ${PATIENCE_MS / 1000} s; end it, then senpu resume ${run}`,
  );
}
