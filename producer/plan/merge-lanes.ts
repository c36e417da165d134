import type { Config } from "../../shared/config/config.ts";
import type { DeployedLanes } from "../../shared/deployment/deployed-lanes.ts";
import type { WrittenLane } from "../../shared/config/limits-schema.ts";
import { DEFAULT_CONCURRENCY, DEFAULT_LANE } from "../../shared/model/lane.ts";
import type { Lane, Total } from "../../shared/model/lane.ts";

/**
 * Lanes that there are beside the plan's own. `local`: the plan may add lanes to the configuration's, and change them.
 * `deployed`: it may only tighten them. `begun`: what its run was begun with holds, whatever is written now.
 */
export type GivenLanes =
  | { readonly kind: "local"; readonly config: Config }
  | { readonly kind: "deployed"; readonly config: LanesInForce }
  | { readonly kind: "begun"; readonly lanes: readonly Lane[] };

/** A configuration as far as it is deployed; `shown`: as messages name it. */
export type LanesInForce = DeployedLanes & Pick<Config, "shown">;

/** Who says what a lane is: `both` where the plan names a lane of the configuration, `default` where nobody does. */
export type LaneOrigin = "plan" | "config" | "both" | "default";

export interface MergedLanes {
  /** In order of matching; the last is always `default`. */
  readonly lanes: readonly Lane[];
  readonly total?: Total;
  readonly origins: Readonly<Record<string, LaneOrigin>>;
}

export function givenLanes(given: GivenLanes | undefined): readonly Lane[] {
  if (given === undefined) return [];
  return given.kind === "begun" ? given.lanes : given.config.lanes;
}

/**
 * A call is matched against lanes with globs in the plan first, then against the configuration's. Where the plan names
 * a lane of the configuration, what it says holds, and the configuration for the rest.
 */
export function mergeLanes(
  written: readonly WrittenLane[],
  total: Total | undefined,
  given: GivenLanes | undefined,
): MergedLanes {
  if (given?.kind === "begun") {
    return { lanes: given.lanes, ...(total === undefined ? {} : { total }), origins: {} };
  }
  const declared = givenLanes(given);
  const inPlan = new Map(written.map((lane) => [lane.name, lane]));
  const inConfig = new Map(declared.map((lane) => [lane.name, lane]));
  const first = written.filter(({ match }) => match.length > 0).map(({ name }) => name);
  const names = new Set([...first, ...inConfig.keys(), DEFAULT_LANE]);
  // A lane of both that has its globs from the configuration stands there; `default` is last.
  const ordered = [...names].filter((name) => name !== DEFAULT_LANE).concat(DEFAULT_LANE);
  const both = given?.config.total === undefined ? total : { ...given.config.total, ...total };
  return {
    lanes: ordered.map((name) => mergeLane(name, inPlan.get(name), inConfig.get(name))),
    ...(both === undefined ? {} : { total: both }),
    origins: Object.fromEntries(
      ordered.map((name) => [name, originOf(inPlan.has(name), inConfig.has(name))]),
    ),
  };
}

function mergeLane(name: string, plan: WrittenLane | undefined, config: Lane | undefined): Lane {
  const rate = plan?.rate ?? config?.rate;
  const auth = plan?.auth === undefined ? config?.auth : plan.auth;
  const { concurrency = DEFAULT_CONCURRENCY, minConcurrency } =
    (plan?.concurrency === undefined ? config : plan) ?? {};
  return {
    name,
    match: (plan?.match.length ? plan.match : config?.match) ?? [],
    concurrency,
    ...(minConcurrency === undefined ? {} : { minConcurrency }),
    ...(rate === undefined ? {} : { rate }),
    ...(auth === undefined ? {} : { auth }),
  };
}

function originOf(inPlan: boolean, inConfig: boolean): LaneOrigin {
  if (inPlan) return inConfig ? "both" : "plan";
  return inConfig ? "config" : "default";
}
