import { resolve } from "node:path";
import { freezeDeep } from "../../shared/freeze-deep.ts";
import type { AnswerPolicy } from "../../shared/model/answer-policy.ts";
import type { Lane, Rate } from "../../shared/model/lane.ts";
import type { SecretName } from "../../shared/secrets/references.ts";
import { environmentVariable } from "../../shared/environment.ts";
import { type Trace, readTraceparent } from "../../shared/model/trace.ts";
import type { CallSource } from "./drafts.ts";
import { readEntries } from "./entries.ts";
import { compileLanes } from "./lanes.ts";
import { type GivenLanes, mergeLanes } from "./merge-lanes.ts";
import type { Plan, PlanSource } from "./plan.ts";
import type { PlanSettings } from "./schema.ts";

/** What the command line says over what the plan says. */
export interface PlanOverrides {
  readonly name?: string;
  /** An upper bound for every lane's concurrency: a lane that is lower stays so, one that adapts does so below it. */
  readonly concurrency?: number;
  /** An upper bound for every lane's rate, for each lane by itself. */
  readonly rate?: Rate;
  /** Whose trace the run goes on with. Default: the environment's `TRACEPARENT`. */
  readonly traceparent?: string;
}

export interface PlanParts {
  readonly settings: PlanSettings;
  /** When neither the settings nor the overrides name the run. */
  readonly fallbackName: string;
  readonly source: PlanSource;
  readonly knownCalls: number | null;
  /** As in {@link Plan}. */
  readonly secrets: readonly SecretName[];
  readonly sources: readonly CallSource[];
  /** In addition to the plan's own. */
  readonly allow: readonly string[];
  readonly overrides: PlanOverrides;
  /** Absolute; what a path under `save` is relative to. Default: the working directory. */
  readonly baseDir?: string;
  /** Lanes beside the plan's own. */
  readonly given: GivenLanes | undefined;
  /** As {@link Plan}'s. */
  readonly release?: (() => Promise<void>) | undefined;
}

export function assemblePlan(parts: PlanParts): Plan {
  const { settings, overrides, sources, release } = parts;
  const { onSettled, proxy } = settings;
  const { auth } = settings.defaults;
  const merged = mergeLanes(settings.lanes, settings.total, parts.given);
  const { total, origins } = merged;
  const lanes = merged.lanes.map((lane) => boundLane(lane, overrides));
  const laneOf = compileLanes(lanes);
  return freezeDeep({
    name: overrides.name ?? settings.name ?? parts.fallbackName,
    lanes,
    laneOrigins: origins,
    ...(total === undefined ? {} : { total }),
    policy: {
      timeoutMs: settings.defaults.timeout,
      retry: settings.retry,
      success: settings.success,
      redirects: settings.redirects,
      headers: settings.defaults.headers,
      allow: [...new Set([...settings.allow, ...parts.allow])],
      breaker: settings.breaker,
      ...(auth === undefined || auth === null ? {} : { auth }),
      ...(proxy === undefined ? {} : { proxy }),
      ...traceOf(settings.trace, overrides.traceparent ?? environmentVariable("TRACEPARENT")),
      ...answersOf(settings, parts.baseDir),
    },
    deadlineMs: settings.defaults.deadline,
    tolerance: settings.tolerance ?? null,
    ...(onSettled === undefined ? {} : { onSettled }),
    source: parts.source,
    knownCalls: parts.knownCalls,
    secrets: parts.secrets,
    entries: () => readEntries(sources, laneOf),
    ...(release === undefined ? {} : { release }),
  });
}

/** What is given and is no traceparent is as if it were not there, as the standard has it. */
function traceOf(isOn: boolean | undefined, given: string | undefined): { readonly trace?: Trace } {
  const parent = given === undefined ? undefined : readTraceparent(given);
  if (isOn === false || (isOn === undefined && parent === undefined)) return {};
  return { trace: parent ?? true };
}

/** Nothing where the plan asks for nothing: then answers are only judged by their status. */
function answersOf(
  { expect, keep, save }: PlanSettings,
  baseDir = ".",
): { readonly answers?: AnswerPolicy } {
  const answers: AnswerPolicy = {
    ...(keep === undefined || keep === null ? {} : { keep }),
    ...(save === undefined
      ? {}
      : { save: save.format === "s3" ? save : { ...save, to: resolve(baseDir, save.to) } }),
    ...(expect === undefined ? {} : { expect }),
  };
  return Object.keys(answers).length === 0 ? {} : { answers };
}

export function boundLane(lane: Lane, { concurrency = Infinity, rate }: PlanOverrides): Lane {
  const slower = rate !== undefined && (lane.rate === undefined || perMs(rate) < perMs(lane.rate));
  return { ...lane, ...boundConcurrency(lane, concurrency), ...(slower ? { rate } : {}) };
}

export function boundConcurrency(
  { concurrency, minConcurrency }: Pick<Lane, "concurrency" | "minConcurrency">,
  most: number,
): Pick<Lane, "concurrency" | "minConcurrency"> {
  return {
    concurrency: Math.min(concurrency, most),
    ...(minConcurrency === undefined ? {} : { minConcurrency: Math.min(minConcurrency, most) }),
  };
}

function perMs(rate: Rate): number {
  return rate.count / rate.perMs;
}
