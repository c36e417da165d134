import { SenpuError } from "../../shared/errors.ts";
import type { RunRow } from "../../shared/ledger/ledger.ts";
import type { Session } from "../../shared/session.ts";
import type { Plan } from "../plan/plan.ts";
import { checkResumable, sourceOf } from "../run/begin-run.ts";
import { readAgain } from "../run/read-again.ts";
import { checkRunId, newRunId } from "../run/run-id.ts";
import { findBegun } from "./find-begun.ts";
import { prepareReplay } from "./prepare.ts";
import type { PrepareOptions } from "./prepare.ts";
import { nameRequest } from "./request.ts";
import type { Selection } from "./select.ts";

/**
 * Replay: failed calls made again, as a run of their own.
 *
 * In: letters in the `failed` queues, and filters. Out: a plan like any other, whose calls were chosen and put on disk;
 * `runPlan` stores the run, publishes, and only then has the letters deleted. So a death anywhere leaves either the
 * letters, or a run that can be resumed, or both; never neither.
 */
export interface ReadyReplay {
  readonly plan: Plan;
  readonly run: string;
  readonly parent: string | null;
  /** Undefined for one that was begun before. */
  readonly selection: Selection | undefined;
  /** Lets go of the letters that are left; after the run, however it ended. */
  close(): Promise<void>;
}

export interface ReplayOptions extends PrepareOptions {
  /** The replay's id. One that exists goes on with that replay, if it was begun for the same. Default: a new one. */
  readonly run: string | undefined;
}

/** Throws SenpuError `run` or `usage` before anything is changed. */
export async function readyReplay(options: ReplayOptions): Promise<ReadyReplay> {
  const { session, request } = options;
  if (options.run !== undefined) checkRunId(options.run);
  const begun =
    options.run === undefined
      ? await findBegun(session.ledger, request)
      : await session.ledger.findRun(options.run);
  if (begun !== undefined) return goOn(session, begun, options);
  const run = options.run ?? newRunId(new Date());
  return { ...(await prepareReplay(options, run)), run };
}

async function goOn(session: Session, row: RunRow, options: ReplayOptions): Promise<ReadyReplay> {
  if (sourceOf(row).replay?.request !== nameRequest(options.request)) {
    throw new SenpuError(
      "run",
      `run ${row.id} exists, and is no replay of just this (${sourceOf(row).shown}); give the same filters, or another --run-id`,
    );
  }
  if (row.state !== "settled") checkResumable(row, Date.now());
  const { overrides } = options.request;
  const plan = await readAgain(row, session.folder.path, overrides, session.deployment);
  return { plan, run: row.id, parent: row.parent, selection: undefined, close: async () => {} };
}
