import type { Broker } from "../../shared/broker/broker.ts";
import { claimedLimits } from "../../shared/coordination/claimed-limits.ts";
import type { LaneLimit } from "../../shared/coordination/coordination.ts";
import { tightestLimits } from "../../shared/coordination/lane-limits.ts";
import { Fault } from "../../shared/document/fault.ts";
import { SenpuError } from "../../shared/errors.ts";
import type { Ledger, RunRow } from "../../shared/ledger/ledger.ts";
import { DEFAULT_CONCURRENCY, DEFAULT_LANE, TOTAL } from "../../shared/model/lane.ts";
import type { Lane, Total } from "../../shared/model/lane.ts";
import { boundLane } from "../plan/assemble.ts";
import type { PlanOverrides } from "../plan/assemble.ts";
import type { Plan, PlanPolicy, PlanSource, ReplaySource } from "../plan/plan.ts";
import { digestBytes } from "../plan/text-file.ts";
import { settingsOf } from "../run/begin-run.ts";
import type { RunSettings } from "../run/begin-run.ts";
import { readChoiceEntries } from "./choice-file.ts";
import type { ChosenCall } from "./choice-file.ts";
import { removeLetters } from "./remove-letters.ts";

/** Where no ledger knows how long the calls' own run gave them: what a plan gives that does not say. */
const DEFAULT_DEADLINE_MS = 86_400_000;

export interface ReplayPlanParts {
  readonly name: string;
  readonly chosen: readonly ChosenCall[];
  readonly file: { readonly path: string; readonly digest: string };
  /** How messages name the source. */
  readonly shown: string;
  readonly replay: ReplaySource;
  readonly overrides: PlanOverrides;
  /** Deletes the letters that were chosen. */
  readonly afterPublished: (broker: Broker) => Promise<void>;
}

/** A plan of chosen calls: lanes and deadline as the runs had them that the calls come from, where the ledger knows. */
export async function makeReplayPlan(
  ledger: Pick<Ledger, "findRun">,
  parts: ReplayPlanParts,
): Promise<Plan> {
  const { name, chosen, file, shown, replay, overrides } = parts;
  const settings: RunSettings[] = [];
  for (const run of replay.of) {
    const row = await ledger.findRun(run);
    if (row !== undefined) settings.push(settingsOf(row));
  }
  const used = new Set([...chosen.map(({ lane }) => lane), DEFAULT_LANE]);
  const limits = knownLimits(settings);
  const deadlines = settings.flatMap(({ deadlineMs }) => deadlineMs ?? []);
  return {
    name: overrides.name ?? name,
    lanes: [...used].map((lane) => boundLane(laneOf(lane, limits), overrides)),
    ...totalOf(limits),
    policy: chosen[0]!.policy,
    deadlineMs: deadlines.length === 0 ? DEFAULT_DEADLINE_MS : Math.max(...deadlines),
    // A run of what has failed before may well fail again, all of it.
    tolerance: null,
    source: { path: file.path, shown, digest: file.digest, replay },
    knownCalls: chosen.length,
    entries: () => readChoiceEntries(file.path),
    afterPublished: parts.afterPublished,
  };
}

type Limits = Omit<LaneLimit, "lane">;

/** By lane; of runs that knew a lane differently, the tighter limits. */
function knownLimits(settings: readonly RunSettings[]): ReadonlyMap<string, Limits> {
  const claims = settings.flatMap(({ lanes = [], total }) =>
    claimedLimits({ lanes, ...(total === undefined ? {} : { total }) }),
  );
  return new Map(tightestLimits(claims).map(({ lane, ...limits }) => [lane, limits]));
}

function laneOf(name: string, limits: ReadonlyMap<string, Limits>): Lane {
  return { name, match: [], concurrency: DEFAULT_CONCURRENCY, ...limits.get(name) };
}

function totalOf(limits: ReadonlyMap<string, Limits>): { readonly total?: Total } {
  const total = limits.get(TOTAL);
  if (total === undefined) return {};
  const { concurrency, rate } = total;
  return {
    total: {
      ...(concurrency === Infinity ? {} : { concurrency }),
      ...(rate === undefined ? {} : { rate }),
    },
  };
}

/** The plan of a replay that was begun before, from what was stored then. Throws a {@link Fault} where that is gone. */
export async function readReplayPlan(row: RunRow, source: PlanSource): Promise<Plan> {
  const { path } = source;
  const digest = await digestBytes(path).catch((cause: unknown) => {
    throw cause instanceof SenpuError ? new Fault(cause.message, { cause }) : cause;
  });
  const { lanes = [], total, policy, deadlineMs = DEFAULT_DEADLINE_MS } = settingsOf(row);
  return {
    name: row.name,
    lanes,
    ...(total === undefined ? {} : { total }),
    policy: policy as PlanPolicy,
    deadlineMs,
    tolerance: row.tolerance,
    source: { ...source, digest },
    knownCalls: null,
    entries: () => readChoiceEntries(path),
    afterPublished: (broker) => removeLetters(broker, path),
  };
}
