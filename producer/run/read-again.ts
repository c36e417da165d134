import { join } from "node:path";
import type { Deployment } from "../../shared/deployment/deployment.ts";
import { Fault } from "../../shared/document/fault.ts";
import { SenpuError } from "../../shared/errors.ts";
import type { RunRow } from "../../shared/ledger/ledger.ts";
import type { Lane } from "../../shared/model/lane.ts";
import { parseS3Url } from "../../shared/s3/s3-object.ts";
import type { S3Object } from "../../shared/s3/s3-object.ts";
import { boundConcurrency } from "../plan/assemble.ts";
import type { PlanOverrides } from "../plan/assemble.ts";
import type { GivenLanes } from "../plan/merge-lanes.ts";
import type { Plan } from "../plan/plan.ts";
import { readPlan } from "../plan/read.ts";
import { readReplayPlan } from "../replay/replay-plan.ts";
import { settingsOf, sourceOf } from "./begin-run.ts";

/**
 * The plan as the run was begun with, its limits included; a concurrency that is lower, and any rate, is taken from
 * `limits`. `deployment`: where the run is. Throws SenpuError `run` when the source cannot be read any more.
 */
export async function readAgain(
  row: RunRow,
  state: string,
  limits: Pick<PlanOverrides, "concurrency" | "rate">,
  deployment?: Pick<Deployment, "region">,
): Promise<Plan> {
  const plan = await readSource(row, state, deployment?.region);
  const {
    lanes = plan.lanes,
    total = plan.total,
    policy = plan.policy,
    deadlineMs = plan.deadlineMs,
  } = settingsOf(row);
  const { concurrency, rate } = limits;
  return {
    ...plan,
    name: row.name,
    policy,
    ...(total === undefined ? {} : { total }),
    deadlineMs,
    tolerance: row.tolerance,
    lanes: lanes.map((lane): Lane => ({
      ...lane,
      ...boundConcurrency(lane, concurrency ?? Infinity),
      ...(rate === undefined ? {} : { rate }),
    })),
  };
}

async function readSource(row: RunRow, state: string, region: string | undefined): Promise<Plan> {
  const source = sourceOf(row);
  const { lanes } = settingsOf(row);
  const given = lanes === undefined ? undefined : ({ kind: "begun", lanes } as const);
  try {
    if (source.replay !== undefined) return await readReplayPlan(row, source);
    const object = parseS3Url(source.path);
    if (object !== undefined) return await readFromS3(object, {}, given, [], region);
    return await readPlan({
      path: source.path,
      shown: source.shown,
      spoolDir: join(state, "spool"),
      runId: row.id,
      given,
    });
  } catch (cause) {
    if (!(cause instanceof SenpuError || cause instanceof Fault)) throw cause;
    throw new SenpuError(
      "run",
      `run ${row.id} was begun from ${source.shown}, which cannot be read any more:\n${cause.message}`,
      { cause },
    );
  }
}

/** A plan in a bucket. Its files stay until this process ends. Throws SenpuError `plan`. */
export async function readFromS3(
  object: S3Object,
  overrides: PlanOverrides,
  given: GivenLanes | undefined,
  allow: readonly string[] = [],
  region?: string,
): Promise<Plan> {
  const { readS3Plan } = await import("../entries/s3-plan.ts");
  const fetched = await readS3Plan(object, overrides, given, allow, region);
  process.once("exit", () => fetched.removeNow());
  return fetched.plan;
}
