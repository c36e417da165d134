import { SenpuError } from "../../shared/errors.ts";
import { HEARTBEAT_DEAD_MS } from "../../shared/ledger/ledger.ts";
import type { RunRow } from "../../shared/ledger/ledger.ts";
import type { Session } from "../../shared/session.ts";
import type { Plan } from "../plan/plan.ts";
import { beginAgain } from "../run/begin-again.ts";
import { beginRun, checkUnchanged } from "../run/begin-run.ts";
import { produce } from "../run/produce.ts";
import { openLanes } from "./open-lanes.ts";
import type { Published } from "./published.ts";

export interface PublishRunOptions {
  readonly session: Session;
  readonly plan: Plan;
  readonly run: string;
  /** Time is up. */
  readonly signal: AbortSignal;
}

const BY = "producer function";
const BEAT_MS = 2_000;

/**
 * Publishes a run for workers and a recorder elsewhere, and leaves it to them.
 *
 * A run that is there already is left alone if it has all been published, or is being published; else it is gone on
 * with. Throws {@link SenpuError} `run` when time was up before the end: workers make what was published until then,
 * and the same again goes on from there.
 */
export async function publishRun(options: PublishRunOptions): Promise<Published> {
  const { session, plan, run, signal } = options;
  const row = await findOrBegin(session, plan, run);
  if (row !== undefined) {
    checkUnchanged(row, plan);
    const done = whatIsThere(row, Date.now());
    if (done !== undefined) return { run, state: done, planned: row.planned };
  }
  const beat = setInterval(() => {
    // A sign of life that is missed is made up for by the next.
    session.ledger.beat(run, Date.now()).catch(() => {});
  }, BEAT_MS);
  try {
    const generation = row === undefined ? 1 : await inTime(goOn(session, row), options);
    if (generation === undefined) return { run, state: "published before", planned: row!.planned };
    await openLanes(session, plan, run, generation);
    const planned = await produce({ session, plan, run, generation, signal, bytesOnly: true });
    if (signal.aborted) throw await timeIsUp(options, planned);
    await noteClosed(session, { run, generation, planned });
    return { run, state: "published", planned };
  } finally {
    clearInterval(beat);
  }
}

/** Undefined: begun just now. */
async function findOrBegin(session: Session, plan: Plan, run: string): Promise<RunRow | undefined> {
  const row = await session.ledger.findRun(run);
  if (row !== undefined) return row;
  try {
    await beginRun(session, plan, run, null);
    return undefined;
  } catch (error) {
    // The schedule has fired twice, and the other invocation was faster.
    const other = await session.ledger.findRun(run);
    if (other === undefined) throw error;
    return other;
  }
}

/** Undefined: nobody publishes it, and not all has been published. */
function whatIsThere(row: RunRow, now: number): Published["state"] | undefined {
  if (row.state === "interrupted") return undefined;
  if (row.state === "settled") return "published before";
  if (row.state !== "running") return row.state;
  if (row.closedPlanned !== null) return "published before";
  return now - row.beatAt < HEARTBEAT_DEAD_MS ? "under way" : undefined;
}

function goOn(session: Session, row: RunRow): Promise<number | undefined> {
  const nobody = { recorder: undefined, workersLive: false, onWaiting: () => {} };
  return beginAgain({ session, row, by: BY, ...nobody });
}

/**
 * The closing record goes to the ledger directly too: a second firing must see at once that all has been published,
 * however far behind the recorder is.
 */
async function noteClosed(
  { ledger, coordination }: Session,
  closed: { readonly run: string; readonly generation: number; readonly planned: number },
): Promise<void> {
  const { run, generation } = closed;
  const { settled, stopped } = await ledger.record([{ kind: "closed", ...closed }], Date.now());
  if (settled.length > 0) await coordination.releaseLanes(run);
  if (stopped.length > 0) await coordination.setControl(run, { generation, state: "stopped" });
}

async function inTime<T>(work: Promise<T>, options: PublishRunOptions): Promise<T> {
  const { signal } = options;
  const up = Promise.withResolvers<never>();
  const onAbort = (): void => {
    timeIsUp(options, 0).then(up.reject, up.reject);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  work.catch(() => {});
  try {
    return await Promise.race([work, up.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Marked as interrupted in the ledger only: workers go on with what was published. */
async function timeIsUp({ session, run }: PublishRunOptions, read: number): Promise<SenpuError> {
  await session.ledger.setState(run, "interrupted", BY, Date.now());
  return new SenpuError(
    "run",
    `run ${run}: time was up after ${read} calls, before all were published; the same event again goes on with it ` +
      `(Lambda sends it again by itself where it was invoked asynchronously), and so does senpu resume ${run}`,
  );
}
