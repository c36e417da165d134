import { LEDGER_QUEUE } from "../../shared/broker/broker.ts";
import type { LaneActivity, RunningRecorder, RunningWorker, Sides } from "../../shared/command.ts";
import { claimedLimits } from "../../shared/coordination/claimed-limits.ts";
import type { RunControl } from "../../shared/coordination/coordination.ts";
import { EXIT, SenpuError, messageOf } from "../../shared/errors.ts";
import type { RunRow } from "../../shared/ledger/ledger.ts";
import type { Figures, RunState } from "../../shared/model/figures.ts";
import type { Session } from "../../shared/session.ts";
import type { Plan } from "../plan/plan.ts";
import { beginAgain } from "./begin-again.ts";
import { startWorkers } from "./local-workers.ts";
import { hasEnded } from "./outlook.ts";
import { ownName } from "./owner.ts";
import { Production } from "./production.ts";
import { checkSameSource } from "./same-source.ts";

/** How often the ledger is asked whether the run has ended, when no recorder of ours tells. */
const LOOK_MS = 100;
/** The same, where each look is a request to a function. */
const LOOK_FAR_MS = 1000;
/** How often it is looked whether workers were told of a pause that was over before the ledger was asked. */
const LOOK_AT_CONTROL_MS = 1000;
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
  /** Told while something else is waited for; undefined when that is over. */
  readonly onNote: (note: string | undefined) => void;
}

/** What can be told of a run while it goes on. */
export interface RunLook {
  readonly row: RunRow;
  readonly lanes: readonly LaneActivity[];
  readonly planned: number;
  /** The run is paused: by whom. */
  readonly heldBy?: string;
}

/**
 * Conducts a run that the ledger knows, from one generation on: produces, works, records, until the ledger says it has
 * ended, whoever did it. While it is paused nothing is produced, and the workers idle; let go, it goes on in the next
 * generation. Resolves with the figures. Rejects when the broker or a store fails; the state is kept then, and the run
 * can be resumed.
 */
export async function conduct(options: ConductOptions): Promise<Figures> {
  const { session, run, plan } = options;
  const conductor = new Conductor(options);
  try {
    await session.broker.ensure(plan.lanes.map(({ name }) => name));
    await conductor.start();
    await conductor.stop(await conductor.untilEnd());
  } catch (error) {
    await conductor.abandon();
    throw error;
  } finally {
    conductor.close();
  }
  await session.coordination.releaseLanes(run);
  return session.ledger.figures(run, Date.now());
}

/**
 * States: producing and following ⇄ held (paused: follows only) → stopping → over. Let go, it is held until the next
 * generation has begun.
 */
class Conductor {
  readonly #options: ConductOptions;
  #generation: number;
  readonly #production: Production;
  #workers: RunningWorker | undefined;
  #heldBy: string | undefined;
  #lookedAtControl = performance.now();
  #beat: NodeJS.Timeout | undefined;
  #endSleep: () => void = () => {};
  #woken = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: ConductOptions) {
    this.#options = options;
    this.#generation = options.generation;
    this.#production = new Production(options, (error) => this.#fail(error));
  }

  async start(): Promise<void> {
    const { session, sides, run, workers, recorder, signal } = this.#options;
    await this.#open();
    await session.ledger.beat(run, Date.now(), ownName());
    signal.addEventListener("abort", () => this.#wake());
    this.#beat = setInterval(() => {
      session.ledger.beat(run, Date.now(), ownName()).catch((error: unknown) => this.#fail(error));
    }, BEAT_MS);
    this.#production.begin(this.#generation);
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
      await this.#follow(row);
      onLook({
        row,
        lanes: this.#workers?.lanes() ?? [],
        planned: this.#production.planned,
        ...(this.#heldBy === undefined ? {} : { heldBy: this.#heldBy }),
      });
      if (hasEnded(row.state)) return row.state;
      if (signal.aborted) return "running";
      await this.#sleep(session.deployment === undefined ? LOOK_MS : LOOK_FAR_MS);
    }
  }

  /** In the order in which things depend on each other: nothing more is published, then called, then recorded. */
  async stop(state: RunState): Promise<void> {
    const { session, run, by } = this.#options;
    if (state === "running") {
      await this.#tell("interrupted");
      if (await this.#isOurs()) {
        await session.ledger.setState(run, "interrupted", by, Date.now());
      }
    } else if (state === "stopped" || state === "cancelled") {
      // Whoever ended it may have died before workers were told, or told them of an older generation.
      await this.#tell(state);
    } else if (state === "settled") {
      // What is left of its messages is copies: nobody makes their calls again.
      await this.#tell("stopped");
    }
    await this.#production.end();
    await this.#workers?.stop();
    // A settled run has nothing under way; any other may have.
    if (state !== "settled") await this.#drain();
    await this.#options.recorder?.stop();
  }

  /** After a failure: ends what can be ended, whatever else fails. */
  async abandon(): Promise<void> {
    const { session, run, recorder, by } = this.#options;
    clearInterval(this.#beat);
    await Promise.allSettled([this.#production.end(), this.#workers?.stop(0), recorder?.stop()]);
    // A paused run stays so. Any other says what it is; a ledger that fails leaves that to the heartbeat's silence.
    try {
      const row = await session.ledger.findRun(run);
      if (row?.state === "paused" || row?.generation !== this.#generation) return;
      await session.ledger.setState(run, "interrupted", by, Date.now());
    } catch {
      // What is told is why it was abandoned.
    }
  }

  close(): void {
    clearInterval(this.#beat);
  }

  async #isOurs(): Promise<boolean> {
    const { session, run } = this.#options;
    return (await session.ledger.findRun(run))?.generation === this.#generation;
  }

  /** Does what a change of the run's state asks for, by whatever process that was made. */
  async #follow(row: RunRow): Promise<void> {
    // Somebody took this process for dead, and conducts it now.
    if (row.generation !== this.#generation) {
      this.close();
      this.#heldBy = undefined;
      await this.#production.end();
    } else if (row.state === "paused") {
      if (this.#heldBy === undefined) await this.#hold();
    } else if (row.state === "running") {
      if (this.#heldBy !== undefined || (await this.#wasHeldUnseen())) await this.#goOn(row);
    }
  }

  /** Nothing more is published. Workers are told again: who paused the run may have died before. */
  async #hold(): Promise<void> {
    const { session, run } = this.#options;
    await this.#tell("paused");
    const events = await session.ledger.events(run);
    this.#heldBy = events.findLast(({ what }) => what === "paused")?.by ?? "somebody";
    await this.#production.end();
  }

  /** Paused and let go between two looks: workers have dropped messages, and go on dropping. */
  async #wasHeldUnseen(): Promise<boolean> {
    if (performance.now() - this.#lookedAtControl < LOOK_AT_CONTROL_MS) return false;
    this.#lookedAtControl = performance.now();
    const { session, run } = this.#options;
    // Out of reach, it is looked at the next time.
    const control = await session.coordination.control(run).catch(() => undefined);
    return control?.state === "paused" && control.generation === this.#generation;
  }

  /** The next generation, unless the source has changed, or somebody has paused or ended the run again. */
  async #goOn(row: RunRow): Promise<void> {
    const { session, run, plan, by, recorder, signal, onNote } = this.#options;
    await this.#production.end();
    this.#heldBy = undefined;
    try {
      await checkSameSource(row, plan.source);
    } catch (error) {
      await session.ledger.setState(run, "paused", `${by}: ${messageOf(error)}`, Date.now());
      return;
    }
    try {
      const generation = await beginAgain({
        session,
        row,
        recorder,
        by,
        signal,
        workersLive: true,
        onWaiting: onNote,
      });
      if (generation === undefined) return;
      this.#generation = generation;
    } catch (error) {
      // The next look tells what it is now.
      if (error instanceof SenpuError && error.exitCode === EXIT.usage) return;
      throw error;
    } finally {
      onNote(undefined);
    }
    await this.#open();
    await session.ledger.beat(run, Date.now(), ownName());
    this.#production.begin(this.#generation);
  }

  /** Workers may make the calls of this generation. */
  async #open(): Promise<void> {
    const { session, run, plan } = this.#options;
    await session.coordination.claimLanes(run, claimedLimits(plan));
    await this.#tell("running");
  }

  #tell(state: RunControl["state"]): Promise<void> {
    const { session, run } = this.#options;
    return session.coordination.setControl(run, { generation: this.#generation, state });
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
