import { randomBytes } from "node:crypto";
import { WAITING_QUEUE } from "../../shared/broker/broker.ts";
import { SenpuError } from "../../shared/errors.ts";
import { log } from "../../shared/lambda/log.ts";
import type { ProducerOrder } from "../../shared/lambda/producer-event.ts";
import type { Ledger, RunRow } from "../../shared/ledger/ledger.ts";
import { stateAt } from "../../shared/ledger/run-rules.ts";
import type { Session } from "../../shared/session.ts";
import type { Published } from "./published.ts";

export interface TurnOptions {
  readonly session: Pick<Session, "broker" | "coordination"> & {
    readonly ledger: Ledger | undefined;
  };
  readonly order: ProducerOrder;
  /** What makes the same order again. */
  readonly event: unknown;
  readonly run: string;
}

/** From the look at the runs that there are until this one is among them. */
const DECIDE_MS = 60_000;
/** A run that waits looks so often whether the one before has ended. */
const LOOK_SECONDS = 60;
const RUNS_LOOKED_AT = 1_000;

/**
 * Holds a schedule's overlap policy: publishes, unless a run of the schedule's name has not ended. Then a run to be
 * skipped is left out, with a line in the log; one to be queued waits in a queue, from which its event comes again each
 * minute. Of several that wait, any may be next. Throws {@link SenpuError} `config` where no ledger knows of the runs before.
 */
export async function inTurn(
  options: TurnOptions,
  publish: () => Promise<Published>,
): Promise<Published> {
  const { order, session, run } = options;
  const { overlap = "allow", name = "" } = order;
  if (overlap === "allow") return publish();
  const { ledger } = session;
  if (ledger === undefined) {
    throw new SenpuError(
      "config",
      `schedule ${name}: overlap ${overlap} needs a ledger, which knows whether the run before has ended; without one, only allow`,
    );
  }
  const lease = leaseOf(options, name);
  const isDecider = (await lease(1)) === 1;
  try {
    if (isDecider) {
      const before = await runBefore(ledger, name, run);
      if (before === undefined) return await publish();
      log(
        "warn",
        `run ${run} ${overlap === "skip" ? "is skipped" : "waits"}: run ${before} of schedule ${name} has not ended`,
      );
    }
  } finally {
    if (isDecider) await lease(0).catch(() => {});
  }
  if (overlap === "queue") return wait(options);
  if (isDecider) return { run, state: "skipped", planned: null };
  throw new SenpuError(
    "run",
    `run ${run}: another invocation begins a run of schedule ${name} at this moment; the same event again decides`,
  );
}

function leaseOf({ session }: TurnOptions, name: string): (wanted: number) => Promise<number> {
  const worker = randomBytes(6).toString("hex");
  return (wanted) =>
    session.coordination.lease({
      lane: `schedule ${name}`,
      worker,
      wanted,
      held: 0,
      limit: 1,
      ttlMs: DECIDE_MS,
      now: Date.now(),
    });
}

/** Undefined too when this run is there already: it has had its turn. */
async function runBefore(ledger: Ledger, name: string, run: string): Promise<string | undefined> {
  const rows = await ledger.listRuns(RUNS_LOOKED_AT);
  if (rows.some(({ id }) => id === run)) return undefined;
  const now = Date.now();
  return rows.find((row) => row.name === name && isUnderWay(row, now))?.id;
}

/** Once all is published, nobody conducts a run here: it ends when it has settled, however long nothing is heard of it. */
function isUnderWay(row: RunRow, now: number): boolean {
  if (row.state === "paused") return true;
  return row.state === "running" && (row.closedPlanned !== null || stateAt(row, now) === "running");
}

async function wait({ session, event, run }: TurnOptions): Promise<Published> {
  const body = JSON.stringify(event);
  await session.broker.send(WAITING_QUEUE, [{ body, delaySeconds: LOOK_SECONDS }]);
  return { run, state: "waiting", planned: null };
}
