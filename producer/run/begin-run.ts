import { LEDGER_QUEUE } from "../../shared/broker/broker.ts";
import { SenpuError } from "../../shared/errors.ts";
import { HEARTBEAT_DEAD_MS } from "../../shared/ledger/ledger.ts";
import type { RunRow } from "../../shared/ledger/ledger.ts";
import type { RunningRecorder } from "../../shared/command.ts";
import type { Session } from "../../shared/session.ts";
import { abridgePolicy, completePolicy } from "../../shared/model/written-policy.ts";
import type { WrittenPolicy } from "../../shared/model/written-policy.ts";
import type { Plan, PlanPolicy, PlanSource } from "../plan/plan.ts";

/** How often it is looked whether the ledger queue is empty. */
const LOOK_MS = 50;
/** Records that a dead recorder held come back within the ledger queue's visibility; beyond this something is wrong. */
const DRAIN_MS = 120_000;

/** Stores a run in the ledger; its first generation may be conducted then. */
export async function beginRun(
  session: Session,
  plan: Plan,
  run: string,
  parent: string | null,
): Promise<void> {
  await session.ledger.createRun({
    id: run,
    name: plan.name,
    parent,
    createdAt: Date.now(),
    source: JSON.stringify(plan.source),
    settings: JSON.stringify({
      lanes: plan.lanes,
      total: plan.total,
      policy: abridgePolicy(plan.policy),
      deadlineMs: plan.deadlineMs,
      onSettled: plan.onSettled,
    } satisfies Record<keyof RunSettings, unknown>),
    tolerance: plan.tolerance,
  });
}

/** What was stored of a plan beside its calls; nothing of it is sure for a run that another senpu stored. */
export type RunSettings = Partial<
  Pick<Plan, "lanes" | "total" | "policy" | "deadlineMs" | "onSettled">
>;

export function settingsOf(row: RunRow): RunSettings {
  const { policy, ...rest } = JSON.parse(row.settings) as Omit<RunSettings, "policy"> & {
    readonly policy?: WrittenPolicy<PlanPolicy>;
  };
  return policy === undefined ? rest : { ...rest, policy: completePolicy(policy) };
}

/** The source that a run was begun with. */
export function sourceOf(row: RunRow): PlanSource {
  return JSON.parse(row.source) as PlanSource;
}

/** Throws unless the run may be taken up again now. */
export function checkResumable(row: RunRow, now: number): void {
  if (row.state === "settled" || row.state === "cancelled") {
    throw new SenpuError(
      "run",
      `run ${row.id} is ${row.state}: nothing of it is left to do; senpu status ${row.id} shows its figures`,
    );
  }
  if (row.state === "running" && now - row.beatAt < HEARTBEAT_DEAD_MS) {
    const seconds = Math.ceil((HEARTBEAT_DEAD_MS - (now - row.beatAt)) / 1000);
    throw new SenpuError(
      "run",
      `run ${row.id} gave a sign of life ${((now - row.beatAt) / 1000).toFixed(1)} s ago, so another process still conducts it; ` +
        `if that process is dead, try again in ${seconds} s`,
    );
  }
}

/** Throws unless the plan is still what the run was begun with. */
export function checkUnchanged(row: RunRow, plan: Plan): void {
  const begun = sourceOf(row);
  const changed = [
    begun.digest === plan.source.digest ? undefined : begun.shown,
    begun.rows?.digest === plan.source.rows?.digest
      ? undefined
      : (begun.rows?.path ?? plan.source.rows?.path),
  ].filter((name) => name !== undefined);
  if (changed.length === 0) return;
  if (begun.path !== plan.source.path && begun.digest !== plan.source.digest) {
    throw new SenpuError(
      "run",
      `run ${row.id} was begun from ${begun.shown}, and ${plan.source.shown} is another plan; give that one, or another --run-id`,
    );
  }
  throw new SenpuError(
    "run",
    `${changed.join(" and ")} changed since run ${row.id} was begun; restore what it was, or begin a new run`,
  );
}

/**
 * The next generation of a run: first everything that was sent to the ledger is recorded, so that no call with an
 * outcome is made again; then messages of the generation before are worthless.
 * Undefined: what was recorded was all that was missing, and the run has settled.
 */
export async function beginAgain(
  session: Session,
  row: RunRow,
  recorder: RunningRecorder | undefined,
  by: string,
  onWaiting: (records: number) => void,
): Promise<number | undefined> {
  const { coordination, broker, ledger } = session;
  // Nothing of the old generation is started from here on, so that the ledger queue does run dry.
  await coordination.setControl(row.id, { generation: row.generation, state: "interrupted" });
  const until = Date.now() + DRAIN_MS;
  for (let empty = 0; empty < 2;) {
    const depth = await broker.depth(LEDGER_QUEUE);
    const waiting = depth.visible + depth.notVisible;
    empty = waiting === 0 ? empty + 1 : 0;
    if (waiting > 0) onWaiting(waiting);
    if (Date.now() > until) {
      throw new SenpuError(
        "broker",
        `${waiting} records still wait in the ledger queue after ${DRAIN_MS / 1000} s; is another recorder stuck on them? Try again later`,
      );
    }
    const pause = new Promise<void>((resolve) => setTimeout(resolve, LOOK_MS));
    await (recorder === undefined ? pause : Promise.race([pause, recorder.failed]));
  }
  if ((await ledger.findRun(row.id))?.state === "settled") return undefined;
  return ledger.restartRun(row.id, row.generation, by, Date.now());
}
