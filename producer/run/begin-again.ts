import { setTimeout as sleep } from "node:timers/promises";
import { LEDGER_QUEUE } from "../../shared/broker/broker.ts";
import type { RunningRecorder } from "../../shared/command.ts";
import { SenpuError } from "../../shared/errors.ts";
import type { RunRow } from "../../shared/ledger/ledger.ts";
import type { Session } from "../../shared/session.ts";
import { settingsOf } from "./begin-run.ts";

/** How often it is looked whether the ledger queue is empty, and whether workers still hold something. */
const LOOK_MS = 50;
/** Records that a dead recorder held come back within the ledger queue's visibility; beyond this something is wrong. */
const DRAIN_MS = 120_000;
/** Calls that are still in flight then, or are another run's, are waited for no longer. */
const IDLE_MS = 10_000;

export interface BeginAgainOptions {
  readonly session: Session;
  /** As it was found; what somebody changes meanwhile counts. */
  readonly row: RunRow;
  readonly recorder: RunningRecorder | undefined;
  /** For the run's history. */
  readonly by: string;
  /** Workers that live were told to stop a while ago: their calls in flight are waited for, 10 s at the most. */
  readonly workersLive: boolean;
  /** Replaces the run's own. Default: that stays. */
  readonly tolerance?: number | null | undefined;
  /** Ends the waiting; nothing has begun then. Default: never. */
  readonly signal?: AbortSignal | undefined;
  readonly onWaiting: (what: string) => void;
}

/**
 * The next generation of a run: first everything that was sent to the ledger is recorded, so that no call with an
 * outcome is made again; then messages of the generation before are worthless.
 * Undefined: it does not begin, because what was recorded has settled or stopped the run, or because of the signal.
 * Throws SenpuError `run` when somebody else has taken it up, held or ended it meanwhile.
 */
export async function beginAgain(options: BeginAgainOptions): Promise<number | undefined> {
  const { session, row, by, signal, tolerance } = options;
  const { coordination, ledger } = session;
  // Nothing of the old generation is started from here on, so that the ledger queue does run dry.
  await coordination.setControl(row.id, { generation: row.generation, state: "interrupted" });
  if (options.workersLive) await untilIdle(options);
  await untilDrained(options);
  if (signal?.aborted === true) return undefined;
  const state = (await ledger.findRun(row.id))?.state;
  if (state === "settled" || (state === "stopped" && row.state !== "stopped")) return undefined;
  return ledger.restartRun(row.id, row, by, Date.now(), tolerance);
}

/** No slot of its lanes is leased, and no unsafe call of it is marked: its workers have nothing of it in hand. */
async function untilIdle(options: BeginAgainOptions): Promise<void> {
  const { session, row, signal, onWaiting } = options;
  const { coordination } = session;
  const { lanes = [] } = settingsOf(row);
  const isBusy = async (): Promise<boolean> => {
    const now = Date.now();
    const leased = await Promise.all(lanes.map(({ name }) => coordination.leased(name, now)));
    return leased.some((slots) => slots > 0) || (await coordination.startedUnsafe(row.id)).size > 0;
  };
  const until = Date.now() + IDLE_MS;
  while (Date.now() < until && (await isBusy())) {
    if (signal?.aborted === true) return;
    onWaiting("waiting until calls in flight have ended");
    await sleep(LOOK_MS);
  }
}

async function untilDrained(options: BeginAgainOptions): Promise<void> {
  const { session, recorder, signal, onWaiting } = options;
  const until = Date.now() + DRAIN_MS;
  for (let empty = 0; empty < 2;) {
    if (signal?.aborted === true) return;
    const depth = await session.broker.depth(LEDGER_QUEUE);
    const waiting = depth.visible + depth.notVisible;
    empty = waiting === 0 ? empty + 1 : 0;
    if (waiting > 0) onWaiting(`recording ${waiting} messages that were under way`);
    if (Date.now() > until) {
      throw new SenpuError(
        "broker",
        `${waiting} records still wait in the ledger queue after ${DRAIN_MS / 1000} s; is another recorder stuck on them? Try again later`,
      );
    }
    await (recorder === undefined
      ? sleep(LOOK_MS)
      : Promise.race([sleep(LOOK_MS), recorder.failed]));
  }
}
