import type { RunningRecorder, Sides } from "../../shared/command.ts";
import type { RunRow } from "../../shared/ledger/ledger.ts";
import type { Figures } from "../../shared/model/figures.ts";
import type { Deployment } from "../../shared/deployment/deployment.ts";
import { openSession } from "../../shared/session.ts";
import type { Session } from "../../shared/session.ts";
import type { Plan } from "../plan/plan.ts";
import { beginAgain } from "./begin-again.ts";
import { beginRun, checkResumable, checkUnchanged } from "./begin-run.ts";
import { checkSecrets } from "./check-secrets.ts";
import { conduct } from "./conduct.ts";
import type { RunLook } from "./conduct.ts";
import { checkRunId } from "./run-id.ts";
import { saveResults } from "../results/save-results.ts";
import type { SavedResults } from "../results/save-results.ts";

export interface RunPlanOptions {
  /** Open already, and stays so. Absent: opened and closed here. */
  readonly session?: Session;
  /** Absolute path of the state folder. */
  readonly state: string;
  readonly endpointUrl?: string | undefined;
  /** Where the run is, if not on this machine: its stores are that deployment's. */
  readonly deployment?: Deployment | undefined;
  /** An id that exists goes on with that run if the plan is the same. */
  readonly run: string;
  readonly parent?: string | null;
  /** `here`: one worker in this process; a number: so many processes; 0: others work. Default `here`. */
  readonly workers?: number | "here";
  /** Record in this process? Default true. */
  readonly recorder?: boolean;
  /** Replaces the tolerance of a run that was begun before. Default: that stays. */
  readonly tolerance?: number | null | undefined;
  /** Who does this, for the run's history. */
  readonly by: string;
  /** Interrupts: calls in flight finish, the state is kept, the run can be resumed. */
  readonly signal: AbortSignal;
  readonly onLook?: (look: RunLook) => void;
  /** Told while something else is waited for; undefined when that is over. */
  readonly onNote?: (note: string | undefined) => void;
  /** Told once the run has ended and its answers are written, where its plan saves them. */
  readonly onSaved?: (saved: SavedResults) => void;
}

/**
 * Produces, works and records one run, new or begun before, and resolves with its figures once it has ended.
 * Rejects with {@link SenpuError}: `run` when the run cannot be gone on with, `state`, `broker`, `ledger` or
 * `coordination` when a store fails; `answers` when they cannot be saved; what was done until then is kept.
 */
export async function runPlan(plan: Plan, sides: Sides, options: RunPlanOptions): Promise<Figures> {
  checkRunId(options.run);
  // Loads while the broker starts.
  if (options.workers !== 0 || options.recorder !== false) void sides.loadConsumer();
  const session = options.session ?? (await openSession(options));
  try {
    const figures = await runInSession(plan, sides, options, session);
    // An interrupted run is gone on with, and its answers are written then.
    if (plan.policy.answers?.save !== undefined && figures.state !== "interrupted") {
      const saved =
        figures.state === "paused" ? undefined : await saveResults(session, options.run);
      if (saved !== undefined) options.onSaved?.(saved);
    }
    return figures;
  } finally {
    if (options.session === undefined) await session.close();
  }
}

async function runInSession(
  plan: Plan,
  sides: Sides,
  options: RunPlanOptions,
  session: Session,
): Promise<Figures> {
  const { run, by, onNote = () => {} } = options;
  const row = await session.ledger.findRun(run);
  if (row !== undefined) {
    checkUnchanged(row, plan);
    if (row.state === "settled") {
      await plan.afterPublished?.(session.broker);
      return await session.ledger.figures(run, Date.now());
    }
    checkResumable(row, Date.now());
  }
  if (options.workers !== 0) await checkSecrets(plan.secrets ?? [], plan.source.shown);
  // Before anything is started, so that what cannot be stored is not begun.
  if (row === undefined) await beginRun(session, plan, run, options.parent ?? null, by);
  // Made while the recorder starts; `conduct` waits for it, and hears of what goes wrong.
  session.broker.ensure(plan.lanes.map(({ name }) => name)).catch(() => {});
  let generation: number | undefined = 1;
  let recorder: RunningRecorder | undefined;
  try {
    if (options.recorder !== false) recorder = await startRecorder(session, sides);
  } catch (error) {
    // So that it can be resumed at once, and not only when the heartbeat is dead.
    if (row === undefined) await session.ledger.setState(run, "interrupted", by, Date.now());
    throw error;
  }
  if (row !== undefined) {
    try {
      generation = await beginAgain({
        session,
        row,
        recorder,
        by,
        workersLive: row.state === "paused" || row.state === "stopped",
        tolerance: options.tolerance,
        signal: options.signal,
        onWaiting: onNote,
      });
      onNote(undefined);
    } catch (error) {
      await recorder?.stop();
      throw error;
    }
    if (generation === undefined) {
      await recorder?.stop();
      return await endUnbegun(session, plan, row, by);
    }
  }
  return await conduct({
    session,
    sides,
    plan,
    run,
    generation,
    recorder,
    workers: options.workers ?? "here",
    signal: options.signal,
    by,
    onLook: options.onLook ?? (() => {}),
    onNote,
  });
}

/** No generation begins: what was under way has settled or stopped the run, or somebody has interrupted. */
async function endUnbegun(
  { ledger, coordination, broker }: Session,
  plan: Plan,
  { id: run, generation }: RunRow,
  by: string,
): Promise<Figures> {
  const now = await ledger.findRun(run);
  // A paused run stays so; any other is no longer what its dead owner left.
  if (now?.state === "running" && now.generation === generation) {
    await ledger.setState(run, "interrupted", by, Date.now());
  }
  const figures = await ledger.figures(run, Date.now());
  if (figures.state !== "paused") await coordination.releaseLanes(run);
  if (figures.state === "settled") await plan.afterPublished?.(broker);
  return figures;
}

async function startRecorder(session: Session, sides: Sides): Promise<RunningRecorder> {
  const consumer = await sides.loadConsumer();
  return consumer.startRecorder({
    state: session.folder.path,
    endpointUrl: session.endpointUrl,
  });
}
