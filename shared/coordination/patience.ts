import { setTimeout as sleep } from "node:timers/promises";
import { SenpuError, messageOf } from "../errors.ts";
import type { Checkpoint, Coordination, LaneLimit, RunControl } from "./coordination.ts";

/** Runs whose control is remembered. */
const MAX_RUNS = 10_000;
/** Between two tries while the store is out of reach. */
const FIRST_WAIT_MS = 100;
const MAX_WAIT_MS = 5_000;

/** Thrown at once while the store is out of reach and its next try is not due. The caller goes on with what it knew last. */
export class OutOfReach extends SenpuError {
  constructor(cause: unknown) {
    super("coordination", messageOf(cause), { cause });
  }
}

/** A worker's way to coordination, which may be out of reach for a while. */
export interface PatientCoordination extends Coordination {
  /** Since when the store has been out of reach, epoch milliseconds; undefined: it answers. */
  readonly outSince: number | undefined;
  /** Who waits for it waits no more, and fails; nothing is noticed from now on. */
  giveUp(): void;
}

/**
 * Coordination as a worker uses it, which ends no worker by being out of reach.
 *
 * States: in reach ⇄ out of reach: whoever asks next after a wait, which grows to 5 s, tries; all others are refused
 * until then with {@link OutOfReach}, and go on with what they knew last; lanes and controls are remembered here. Only
 * what must be known or stored before a call is made waits: the control of a run not seen before, checkpoints that are
 * read, and those that mark unsafe calls as started. Other checkpoints and their removal are let go: without them calls
 * are made or told of twice at the most, and `prune` clears up.
 * `onNotice` hears once that it is out of reach, and once that it is back. Errors of any other kind pass through.
 */
export function beginPatience(
  coordination: Coordination,
  onNotice: (text: string) => void,
): PatientCoordination {
  const reach = new Reach(onNotice);
  const now = <Result>(work: () => Promise<Result>): Promise<Result> => reach.tryNow(work);
  const letGo = <T>(work: () => Promise<T>, without: T): Promise<T> =>
    reach.tryNow(work).catch((error: unknown) => {
      if (!(error instanceof OutOfReach)) throw error;
      return without;
    });
  const runs = new KnownRuns();
  let lanesBefore: LaneLimit[] | undefined;
  return {
    get outSince() {
      return reach.outSince;
    },
    giveUp: () => reach.giveUp(),
    control: (run) => now(() => coordination.control(run)),
    controls: async (names) => {
      const read = async (): Promise<Map<string, RunControl>> =>
        runs.note(names, await coordination.controls(names));
      if (!runs.areKnown(names)) return reach.tryUntilDone(read);
      return now(read).catch((error: unknown) => {
        if (error instanceof OutOfReach) return runs.recall(names);
        throw error;
      });
    },
    setControl: (run, control) => now(() => coordination.setControl(run, control)),
    claimLanes: (run, lanes) => now(() => coordination.claimLanes(run, lanes)),
    releaseLanes: (run) => now(() => coordination.releaseLanes(run)),
    lanes: async () => {
      try {
        return (lanesBefore = await now(() => coordination.lanes()));
      } catch (error) {
        if (error instanceof OutOfReach && lanesBefore !== undefined) return lanesBefore;
        throw error;
      }
    },
    lease: (request) => now(() => coordination.lease(request)),
    reserve: (lane, rate, count, at) => now(() => coordination.reserve(lane, rate, count, at)),
    giveBackStarts: (lane, rate, unused) =>
      now(() => coordination.giveBackStarts(lane, rate, unused)),
    workers: (lane, at) => now(() => coordination.workers(lane, at)),
    leased: (lane, at) => now(() => coordination.leased(lane, at)),
    destinations: (lane) => now(() => coordination.destinations(lane)),
    refuse: (refusal) => now(() => coordination.refuse(refusal)),
    probe: (request) => now(() => coordination.probe(request)),
    reopen: (lane, origin, at) => now(() => coordination.reopen(lane, origin, at)),
    grow: (growth) => now(() => coordination.grow(growth)),
    readCheckpoint: (chunk) => reach.tryUntilDone(() => coordination.readCheckpoint(chunk)),
    writeCheckpoint: (chunk, checkpoint, at) => {
      const write = (): Promise<boolean> => coordination.writeCheckpoint(chunk, checkpoint, at);
      return isGuarded(checkpoint) ? reach.tryUntilDone(write) : letGo(write, true);
    },
    holdChunk: (request) =>
      reach.tryUntilDone(() => coordination.holdChunk({ ...request, now: Date.now() })),
    endChunks: (chunks, at) => letGo(() => coordination.endChunks(chunks, at), undefined),
    startedUnsafe: (run) => now(() => coordination.startedUnsafe(run)),
    removeCheckpoints: (chunks) => letGo(() => coordination.removeCheckpoints(chunks), undefined),
    prune: (before) => now(() => coordination.prune(before)),
    close: () => coordination.close(),
  };
}

function isGuarded({ startedBelow }: Checkpoint): boolean {
  return startedBelow !== undefined;
}

/** The controls of runs as they were told last; undefined: coordination did not know the run. */
class KnownRuns {
  readonly #controls = new Map<string, RunControl | undefined>();

  areKnown(names: readonly string[]): boolean {
    return names.every((name) => this.#controls.has(name));
  }

  note(names: readonly string[], told: Map<string, RunControl>): Map<string, RunControl> {
    if (this.#controls.size > MAX_RUNS) this.#controls.clear();
    for (const name of names) this.#controls.set(name, told.get(name));
    return told;
  }

  recall(names: readonly string[]): Map<string, RunControl> {
    const recalled = new Map<string, RunControl>();
    for (const name of names) {
      const control = this.#controls.get(name);
      if (control !== undefined) recalled.set(name, control);
    }
    return recalled;
  }
}

class Reach {
  outSince: number | undefined;
  readonly #onNotice: (text: string) => void;
  readonly #end = new AbortController();
  #failures = 0;
  #lastError: unknown;
  /** `performance.now()` */
  #nextTryAt = 0;

  constructor(onNotice: (text: string) => void) {
    this.#onNotice = onNotice;
  }

  giveUp(): void {
    this.#end.abort();
  }

  async tryNow<Result>(work: () => Promise<Result>): Promise<Result> {
    const isTrial = this.outSince !== undefined;
    if (isTrial) {
      if (performance.now() < this.#nextTryAt) throw new OutOfReach(this.#lastError);
      // The others wait for what this one finds.
      this.#nextTryAt = performance.now() + this.#waitMs;
    }
    let result: Result;
    try {
      result = await work();
    } catch (error) {
      if (!(error instanceof SenpuError) || error.code !== "coordination") throw error;
      // Of requests that were under way together when it went, one counts.
      if (isTrial || this.outSince === undefined) this.#noteFailure(error);
      throw new OutOfReach(error);
    }
    if (this.outSince !== undefined) this.#noteBack();
    return result;
  }

  async tryUntilDone<Result>(work: () => Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        return await this.tryNow(work);
      } catch (error) {
        if (!(error instanceof OutOfReach) || this.#end.signal.aborted) throw error;
        const waitMs = Math.max(1, this.#nextTryAt - performance.now());
        await sleep(waitMs, undefined, { signal: this.#end.signal }).catch(() => {});
      }
    }
  }

  get #waitMs(): number {
    return Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(10, this.#failures));
  }

  #noteFailure(error: unknown): void {
    this.#lastError = error;
    this.#nextTryAt = performance.now() + this.#waitMs;
    this.#failures++;
    if (this.outSince !== undefined) return;
    this.outSince = Date.now();
    this.#say(
      `coordination is out of reach (${messageOf(error)}); going on within this worker's share of the limits`,
    );
  }

  #noteBack(): void {
    const seconds = Math.max(1, Math.round((Date.now() - (this.outSince ?? 0)) / 1000));
    this.outSince = undefined;
    this.#failures = 0;
    this.#say(`coordination answers again, after ${seconds} s`);
  }

  /** Who has given it up may close it, while something still asks: that it is closed is no news to anybody. */
  #say(text: string): void {
    if (!this.#end.signal.aborted) this.#onNotice(text);
  }
}
