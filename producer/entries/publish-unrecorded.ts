import { randomBytes } from "node:crypto";
import { SenpuError } from "../../shared/errors.ts";
import type { WorkSession } from "../../shared/session.ts";
import type { Plan } from "../plan/plan.ts";
import { produce } from "../run/produce.ts";
import { openLanes } from "./open-lanes.ts";
import type { Published } from "./published.ts";

export interface PublishUnrecordedOptions {
  readonly session: WorkSession;
  readonly plan: Plan;
  readonly run: string;
  /** Time is up. */
  readonly signal: AbortSignal;
}

/** After the death of who publishes a run, another may so much later. */
const HOLD_MS = 10_000;
const RENEW_MS = HOLD_MS / 3;

/**
 * Publishes a run where there is no ledger: coordination alone knows it. A lease keeps two that are fired at once from
 * doing it both; a mark, set once all has been published, keeps whoever comes later.
 *
 * What a death has left is published again from its start, in the same generation and so in chunks of the same names:
 * one with unsafe calls that was worked on already is told by its name and dropped, and a safe call is made twice at most.
 * Throws {@link SenpuError} `run` when time was up before the end; the same event again does this.
 */
export async function publishUnrecorded(options: PublishUnrecordedOptions): Promise<Published> {
  const { session, plan, run, signal } = options;
  const { coordination } = session;
  const worker = randomBytes(6).toString("hex");
  const lease = (wanted: number): Promise<number> =>
    coordination.lease({
      lane: `publishing ${run}`,
      worker,
      wanted,
      held: 0,
      limit: 1,
      ttlMs: HOLD_MS,
      now: Date.now(),
    });
  if ((await lease(1)) < 1) return { run, state: "under way", planned: null };
  const renewal = setInterval(() => void lease(1).catch(() => {}), RENEW_MS);
  try {
    const mark = `${run}/published`;
    if ((await coordination.readCheckpoint(mark))?.over === true) {
      return { run, state: "published before", planned: null };
    }
    const state = (await coordination.control(run))?.state ?? "running";
    if (state === "paused" || state === "stopped" || state === "cancelled") {
      return { run, state, planned: null };
    }
    await openLanes(session, plan, run, 1);
    const unrecorded = { ...session, ledger: undefined };
    const planned = await produce({
      session: unrecorded,
      plan,
      run,
      generation: 1,
      signal,
      bytesOnly: true,
    });
    if (signal.aborted) throw timeIsUp(run, planned);
    await coordination.endChunks([mark], Date.now());
    return { run, state: "published", planned };
  } finally {
    clearInterval(renewal);
    // It ends by itself where this fails.
    await lease(0).catch(() => {});
  }
}

function timeIsUp(run: string, read: number): SenpuError {
  return new SenpuError(
    "run",
    `run ${run}: time was up after ${read} calls, before all were published; the same event again publishes it, ` +
      "and Lambda sends it again by itself where it was invoked asynchronously. Without a ledger it begins at the " +
      "start: split a plan that is too long for one invocation",
  );
}
