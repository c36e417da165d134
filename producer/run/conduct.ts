import type { LaneActivity, RunningRecorder, RunningWorker, Sides } from "../../shared/command.ts";
import type { RunRow } from "../../shared/ledger/ledger.ts";
import type { Figures, RunState } from "../../shared/model/figures.ts";
import { LEDGER_QUEUE } from "../../shared/broker/broker.ts";
import type { Session } from "../../shared/session.ts";
import type { Plan } from "../plan/plan.ts";
import { claimedLimits } from "./claimed-limits.ts";
import { startWorkers } from "./local-workers.ts";
import { hasEnded } from "./outlook.ts";
import { produce } from "./produce.ts";

/** How often the ledger is asked whether the run has ended, when no recorder of ours tells. */
const LOOK_MS = 100;
const BEAT_MS = 2000;
/** After the workers have stopped, what they sent is recorded; the recorder gets this long. */
const DRAIN_MS = 15_000;

export interface ConductOptions {
  readonly session: Session;
  readonly sides: Sides;
  readonly plan: Plan;
  readonly run: string;
  readonly generation: number;
  /** `here`: one worker in this process; 0: others work. */
  readonly workers: number | "here";
  /** Already running; undefined: somebody else records. Stopped here. */
  readonly recorder: RunningRecorder | undefined;
  /** Interrupts the run: calls in flight finish, the state is kept. */
  readonly signal: AbortSignal;
  /** Who does all this, for the run's history. */
  readonly by: string;
  readonly onLook: (look: RunLook) => void;
}

/** What can be told of a run while it goes on. */
export interface RunLook {
  readonly row: RunRow;
  readonly lanes: readonly LaneActivity[];
  readonly planned: number;
}

/**
 * Conducts one generation of a run that the ledger knows: produces, works, records, until the ledger says it has ended,
 * whoever did it. Resolves with the figures. Rejects when the broker or a store fails; the state is kept then, and the
 * run can be resumed.
 */
export async function conduct(options: ConductOptions): Promise<Figures> {
  const { session, run, generation, by, plan } = options;
  const conductor = new Conductor(options);
  try {
    await session.broker.ensure(plan.lanes.map(({ name }) => name));
    await session.coordination.claimLanes(run, claimedLimits(plan));
    await session.coordination.setControl(run, { generation, state: "running" });
    await session.ledger.beat(run, Date.now());
    await conductor.start();
    await conductor.stop(await conductor.untilEnd());
  } catch (error) {
    await conductor.abandon();
    throw error;
  } finally {
    conductor.close();
  }
  await session.coordination.releaseLanes(run);
  const figures = await session.ledger.figures(run, Date.now());
  if (figures.state === "running") {
    await session.ledger.setState(run, "interrupted", by, Date.now());
    return session.ledger.figures(run, Date.now());
  }
  return figures;
}

/** States: producing and following → stopping → over. */
class Conductor {
  readonly #options: ConductOptions;
  readonly #stopProducing = new AbortController();
  #workers: RunningWorker | undefined;
  #producing: Promise<unknown> = Promise.resolve();
  #planned = 0;
  #beat: NodeJS.Timeout | undefined;
  #endSleep: () => void = () => {};
  #woken = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: ConductOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { session, sides, run, plan, generation, workers, recorder, signal } = this.#options;
    signal.addEventListener("abort", () => this.#wake());
    this.#beat = setInterval(() => {
      session.ledger.beat(run, Date.now()).catch((error: unknown) => this.#fail(error));
    }, BEAT_MS);
    this.#producing = produce({
      session,
      plan,
      run,
      generation,
      signal: this.#stopProducing.signal,
      onPlanned: (planned) => {
        this.#planned = planned;
      },
    }).catch((error: unknown) => this.#fail(error));
    if (recorder !== undefined) {
      recorder.failed.catch((error: unknown) => this.#fail(error));
      recorder.onRecorded(() => this.#wake());
    }
    this.#workers = await startWorkers(session, sides, run, workers);
    this.#workers.failed.catch((error: unknown) => this.#fail(error));
  }

  /** Resolves with the state that the ledger says it has ended in, or `running` when this process was asked to stop. */
  async untilEnd(): Promise<RunState> {
    const { session, run, signal, onLook } = this.#options;
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      const row = await session.ledger.findRun(run);
      if (row === undefined) throw new Error(`run ${run} has vanished from the ledger`);
      onLook({ row, lanes: this.#workers?.lanes() ?? [], planned: this.#planned });
      if (hasEnded(row.state)) return row.state;
      if (signal.aborted) return "running";
      await this.#sleep(LOOK_MS);
    }
  }

  /** In the order in which things depend on each other: nothing more is published, then called, then recorded. */
  async stop(state: RunState): Promise<void> {
    const { session, run, generation, by } = this.#options;
    if (state === "running") {
      await session.coordination.setControl(run, { generation, state: "interrupted" });
      await session.ledger.setState(run, "interrupted", by, Date.now());
    } else if (state === "settled") {
      // What is left of its messages is copies: nobody makes their calls again.
      await session.coordination.setControl(run, { generation, state: "stopped" });
    }
    this.#stopProducing.abort();
    await this.#producing;
    await this.#workers?.stop();
    // A settled run has nothing under way; any other may have.
    if (state !== "settled") await this.#drain();
    await this.#options.recorder?.stop();
  }

  /** After a failure: ends what can be ended, whatever else fails. */
  async abandon(): Promise<void> {
    const { session, run, recorder, by } = this.#options;
    clearInterval(this.#beat);
    this.#stopProducing.abort();
    await Promise.allSettled([this.#producing, this.#workers?.stop(0), recorder?.stop()]);
    // So that it can be resumed at once: without this, resuming would wait until the heartbeat is dead.
    await Promise.allSettled([session.ledger.setState(run, "interrupted", by, Date.now())]);
  }

  close(): void {
    clearInterval(this.#beat);
  }

  /** What was sent to the ledger queue is recorded before the figures are told. */
  async #drain(): Promise<void> {
    const until = Date.now() + DRAIN_MS;
    while (Date.now() < until && this.#failure === undefined) {
      const { visible, notVisible } = await this.#options.session.broker.depth(LEDGER_QUEUE);
      if (visible + notVisible === 0) return;
      await this.#sleep(LOOK_MS / 2);
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  /** Sleeps for `ms`, or until `#wake`: not at all if that was called since the last sleep. */
  async #sleep(ms: number): Promise<void> {
    if (!this.#woken) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#endSleep = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#woken = false;
  }

  /** Something may have changed that the ledger knows of. */
  #wake(): void {
    this.#woken = true;
    this.#endSleep();
  }
}
