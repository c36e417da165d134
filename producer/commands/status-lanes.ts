import { existsSync } from "node:fs";
import { join } from "node:path";
import type { CommonOptions } from "../../shared/command.ts";
import type {
  Coordination,
  Destination,
  LaneLimit,
} from "../../shared/coordination/coordination.ts";
import { openCoordination } from "../../shared/coordination/open.ts";
import type { RunRow } from "../../shared/ledger/ledger.ts";
import type { Rate } from "../../shared/model/lane.ts";
import { TOTAL } from "../../shared/model/lane.ts";
import { openStateFolder } from "../../shared/state/state-folder.ts";
import { plainLine } from "../../shared/terminal/fit.ts";
import { formatCount, formatQuantity, formatRate } from "../../shared/terminal/format.ts";
import { describeClosed, hostOf } from "../../shared/terminal/lane-progress.ts";
import { settingsOf } from "../run/begin-run.ts";

/** A lane of a run under way, as coordination knows it at this moment. */
export interface LaneStatus {
  /** `*`: what holds over all lanes. */
  readonly lane: string;
  /** Calls in flight that it may have; null: not capped. */
  readonly concurrency: number | null;
  /** Where it adapts: what it never falls below. */
  readonly minConcurrency: number | null;
  readonly rate: Rate | null;
  readonly workers: number;
  /** Slots that workers hold, in use or not. */
  readonly leased: number;
  /** Those that are closed or narrowed. */
  readonly destinations: readonly Destination[];
}

/** The lanes of a run, and the total; none where coordination has not begun. Throws SenpuError `coordination`. */
export async function readLanes(
  row: RunRow,
  { state, deployment }: Pick<CommonOptions, "state" | "deployment">,
  now: number,
): Promise<LaneStatus[]> {
  if (deployment === undefined && !existsSync(join(state, "coordination.db"))) return [];
  const coordination = await openCoordination(
    () => openStateFolder(state).coordinationFile,
    deployment,
  );
  try {
    const own = new Set([TOTAL, ...(settingsOf(row).lanes ?? []).map(({ name }) => name)]);
    const limits = (await coordination.lanes()).filter(({ lane }) => own.has(lane));
    return await Promise.all(limits.map((limit) => readLane(coordination, limit, now)));
  } finally {
    await coordination.close();
  }
}

async function readLane(
  coordination: Coordination,
  { lane, concurrency, minConcurrency, rate }: LaneLimit,
  now: number,
): Promise<LaneStatus> {
  const [workers, leased, destinations] = await Promise.all([
    coordination.workers(lane, now),
    coordination.leased(lane, now),
    coordination.destinations(lane),
  ]);
  return {
    lane,
    concurrency: Number.isFinite(concurrency) ? concurrency : null,
    minConcurrency: minConcurrency ?? null,
    rate: rate ?? null,
    workers,
    leased,
    destinations,
  };
}

/** A line for the lane, and one for each destination that is not simply open. */
export function describeLane(status: LaneStatus, now: number): string[] {
  const { lane, concurrency, minConcurrency, rate, workers, leased } = status;
  const most = concurrency === null ? "any number" : formatCount(concurrency);
  const parts = [
    minConcurrency === null
      ? `${most} in flight`
      : `${formatCount(minConcurrency)}–${most} in flight`,
    rate === null ? undefined : formatRate((rate.count * 1000) / rate.perMs),
    rate?.burst === undefined ? undefined : `bursts of ${formatCount(rate.burst)}`,
    `${formatQuantity(leased, "slot")} leased by ${formatQuantity(workers, "worker")}`,
  ];
  const name = lane === TOTAL ? "all lanes" : lane;
  return [
    `${name}: ${parts.filter((part) => part !== undefined).join(" · ")}`,
    ...status.destinations.map((destination) => `  ${describeDestination(destination, now)}`),
  ];
}

function describeDestination(
  { origin, state, until, cause, window }: Destination,
  now: number,
): string {
  const closed = state === "closed" ? `${describeClosed(until, now)}: ${cause}` : undefined;
  const narrowed = window === undefined ? undefined : `window ${formatCount(Math.floor(window))}`;
  const words = [closed, narrowed].filter((part) => part !== undefined).join(" · ");
  return plainLine(`${hostOf(origin)}: ${words}`);
}
