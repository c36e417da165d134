import { SenpuError } from "../../shared/errors.ts";
import { HEARTBEAT_DEAD_MS } from "../../shared/ledger/ledger.ts";
import type { RunRow } from "../../shared/ledger/ledger.ts";
import type { Session } from "../../shared/session.ts";
import { abridgePolicy, completePolicy } from "../../shared/model/written-policy.ts";
import type { WrittenPolicy } from "../../shared/model/written-policy.ts";
import { hasLivingOwner, ownerPid } from "./owner.ts";
import type { Plan, PlanPolicy, PlanSource } from "../plan/plan.ts";

/** Stores a run in the ledger; its first generation may be conducted then. */
export async function beginRun(
  session: Session,
  plan: Plan,
  run: string,
  parent: string | null,
  by?: string,
): Promise<void> {
  const row = {
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
  };
  await session.ledger.createRun(row, by);
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
  if ((row.state !== "running" && row.state !== "paused") || !hasLivingOwner(row, now)) return;
  const agoS = ((now - row.beatAt) / 1000).toFixed(1);
  if (row.state === "paused") {
    throw new SenpuError(
      "run",
      `run ${row.id} is paused, and the process that conducts it lives (a sign of life ${agoS} s ago); senpu unpause ${row.id} lets it go on`,
    );
  }
  const pid = ownerPid(row.owner);
  throw new SenpuError(
    "run",
    `run ${row.id} gave a sign of life ${agoS} s ago, so ` +
      (pid === undefined
        ? `another process still conducts it; if that process is dead, try again in ${Math.ceil((HEARTBEAT_DEAD_MS - (now - row.beatAt)) / 1000)} s`
        : `process ${pid} still conducts it; end that one first: what is done is kept`),
  );
}

/** Throws unless the plan is still what the run was begun with. */
export function checkUnchanged(row: RunRow, plan: Pick<Plan, "source">): void {
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
