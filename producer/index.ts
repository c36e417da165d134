import { resolve } from "node:path";
import type { Sample, Sides } from "../shared/command.ts";
import { SenpuError } from "../shared/errors.ts";
import type { Figures } from "../shared/model/figures.ts";
import type { Reason } from "../shared/model/outcome.ts";
import { openSession } from "../shared/session.ts";
import { openStateFolder } from "../shared/state/state-folder.ts";
import { readCallFilter } from "./commands/call-filter.ts";
import { readOverrides } from "./commands/run-options.ts";
import { localLanes } from "./plan/local-lanes.ts";
import type { Plan } from "./plan/plan.ts";
import { checkAllow, planFromObject, readPlan } from "./plan/read.ts";
import { surveyPlan } from "./plan/survey.ts";
import type { Survey } from "./plan/survey.ts";
import { sampleMessages } from "./publish/sample.ts";
import { newRunId } from "./run/run-id.ts";
import { parseAssignment } from "./replay/assignment.ts";
import type { ReplayRequest } from "./replay/request.ts";
import { readyReplay } from "./replay/replay.ts";
import { runPlan } from "./run/run-plan.ts";
import type { RunPlanOptions } from "./run/run-plan.ts";

/** The producer side as a program sees it: what `senpu run` and `senpu plan` do, without their output. */

/** A plan's path, or a plan as the schema describes it (`from` is relative to the working directory then). */
export type PlanInput = string | Readonly<Record<string, unknown>>;

export interface RunOptions {
  /** State folder. Default `.senpu`. */
  readonly state?: string;
  /** An SNS/SQS-compatible endpoint in place of the embedded one. */
  readonly endpointUrl?: string;
  /** Default: a new one that sorts by time. One that exists goes on with that run, if the plan is the same. */
  readonly runId?: string;
  /** Worker processes; 0: none, others work. Default: one worker in this process. */
  readonly workers?: number;
  /** Interrupts the run: calls in flight finish, the state is kept, and the figures say `interrupted`. */
  readonly signal?: AbortSignal;
  /** Internal hosts and CIDR ranges that this run is meant to call, beside the plan's. */
  readonly allow?: readonly string[];
  /** Told about ten times a second how far the run is. */
  readonly onProgress?: (progress: RunProgress) => void;
}

export interface RunProgress {
  readonly run: string;
  readonly planned: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Calls in flight, over all lanes of this process. */
  readonly inFlight: number;
}

/**
 * Makes every call of the plan; resolves with the figures once each has ended in a recorded state.
 * Throws SenpuError: `plan` before anything is sent, `broker`, `ledger`, `state` or `coordination` when a store fails;
 * then the state is kept, and the same `runId` goes on.
 */
export async function runFrom(
  sides: Sides,
  input: PlanInput,
  options: RunOptions = {},
): Promise<Figures> {
  const state = resolve(options.state ?? ".senpu");
  const run = options.runId ?? newRunId(new Date());
  const plan = await read(input, state, run, options.allow);
  try {
    return await runPlan(plan, sides, {
      ...commonOf(run, options),
      state,
      signal: options.signal ?? new AbortController().signal,
    });
  } finally {
    await plan.release?.();
  }
}

function readReplayOptions(options: ReplayRunOptions): ReplayRequest {
  const { run, lane, rate, set = [], allow = [] } = options;
  if (run === undefined && lane === undefined) {
    throw new SenpuError("usage", "replay: give run, lane, or both");
  }
  return {
    of: run,
    filter: readCallFilter({
      reason: options.reason,
      status: options.status?.toString(),
      lane,
      host: options.host,
      id: options.id,
      limit: options.limit?.toString(),
    }),
    assignments: set.map(parseAssignment),
    edit: false,
    allow: allow.map(checkAllow),
    overrides: readOverrides({ rate }),
  };
}

function commonOf(
  run: string,
  { onProgress, endpointUrl, workers }: RunOptions,
): Pick<RunPlanOptions, "run" | "endpointUrl" | "workers" | "by" | "onLook"> {
  return {
    endpointUrl,
    run,
    workers: workers ?? "here",
    by: `process ${process.pid}`,
    onLook: ({ row, lanes, planned }) =>
      onProgress?.({
        run,
        planned: Math.max(row.planned, planned),
        succeeded: row.succeeded,
        failed: row.failed,
        inFlight: lanes.reduce((sum, lane) => sum + lane.inFlight, 0),
      }),
  };
}

/** What is made again, and how; `run`, `lane`, or both. */
export interface ReplayRunOptions extends RunOptions {
  /** Id of the run whose failed calls are made again. */
  readonly run?: string;
  /** Only of this lane; without `run`, of whatever run. */
  readonly lane?: string;
  readonly reason?: Reason;
  /** An exact status, or a class: `503`, `"5xx"`. */
  readonly status?: number | string;
  readonly host?: string;
  /** The call of this id. */
  readonly id?: string;
  /** Calls at the most. */
  readonly limit?: number;
  /** An upper bound for each lane, such as `20/s`. */
  readonly rate?: string;
  /** As `--set` takes them: `headers.x-token=…`. */
  readonly set?: readonly string[];
}

/**
 * Makes failed calls again, as a new run; resolves with its figures. Called again after a crash, with the same choice,
 * it goes on with the same run. Throws SenpuError: `run` where nothing is left to replay, `usage` for a choice that is
 * none, and as `runFrom` does.
 */
export async function replayFrom(sides: Sides, options: ReplayRunOptions): Promise<Figures> {
  const session = await openSession({
    state: resolve(options.state ?? ".senpu"),
    endpointUrl: options.endpointUrl,
  });
  const signal = options.signal ?? new AbortController().signal;
  try {
    const ready = await readyReplay({
      session,
      request: readReplayOptions(options),
      run: options.runId,
      onRead: () => {},
      signal,
    });
    try {
      const { plan, run, parent } = ready;
      return await runPlan(plan, sides, {
        ...commonOf(run, options),
        session,
        state: session.folder.path,
        parent,
        signal,
      });
    } finally {
      await ready.close().catch(() => {});
    }
  } finally {
    await session.close();
  }
}

/** What a run of the plan would come to; reads it to its end, sends nothing. Throws SenpuError `plan`. */
export async function plan(input: PlanInput): Promise<Survey> {
  const state = resolve(".senpu");
  const plan = await read(input, state, newRunId(new Date()), undefined);
  try {
    return await surveyPlan(plan, () => {});
  } finally {
    await plan.release?.();
  }
}

/** The first messages of a run of the plan, for trying a worker; sends nothing. Throws SenpuError `plan`. */
export async function samplePlan(path: string, state: string): Promise<Sample> {
  const run = newRunId(new Date());
  return sampleMessages(await read(path, state, run, undefined), run, Date.now());
}

async function read(
  input: PlanInput,
  state: string,
  runId: string,
  allow: readonly string[] | undefined,
): Promise<Plan> {
  const extra = { given: await localLanes(), ...(allow === undefined ? {} : { allow }) };
  if (typeof input !== "string") return planFromObject(input, { baseDir: process.cwd(), ...extra });
  if (input !== "-") return readPlan({ path: input, spoolDir: state, runId, ...extra });
  return readPlan({ path: input, spoolDir: openStateFolder(state).spool, runId, ...extra });
}
