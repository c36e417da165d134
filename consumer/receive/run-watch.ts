import type { Coordination, RunControl } from "../../shared/coordination/coordination.ts";
import type { CallsMessage } from "../../shared/model/message.ts";

/** How soon a worker notices that a run was paused, cancelled or started anew. */
const REFRESH_MS = 250;

/** What starts calls: it is told when some of what it holds may not be started any more, so that it lets go of it. */
interface Waker {
  pump(): void;
}

/**
 * What this worker knows of the runs it works on: whose messages are to be dropped.
 * A run that coordination does not know (its store was lost) is worked on: the ledger accounts for it all the same.
 */
export class RunWatch {
  readonly #coordination: Coordination;
  readonly #controls = new Map<string, RunControl>();
  readonly #open = new Map<string, { count: number; readonly wakers: Set<Waker> }>();
  #timer: NodeJS.Timeout | undefined;
  readonly #onFailed: (error: unknown) => void;

  constructor(coordination: Coordination, onFailed: (error: unknown) => void) {
    this.#coordination = coordination;
    this.#onFailed = onFailed;
  }

  /** Reads afresh what is known of these runs; before their messages are taken on. */
  async refresh(runs: readonly string[]): Promise<void> {
    const controls = await this.#coordination.controls(runs);
    for (const run of runs) {
      const control = controls.get(run);
      if (control === undefined) continue;
      const before = this.#controls.get(run);
      if (before !== undefined && isOlder(control, before)) continue;
      this.#controls.set(run, control);
      const isNews = before?.state !== control.state || before.generation !== control.generation;
      if (isNews) for (const waker of this.#open.get(run)?.wakers ?? []) waker.pump();
    }
  }

  /** May calls of this message still be started? */
  allows(message: CallsMessage): boolean {
    const control = this.#controls.get(message.run);
    if (control === undefined) return true;
    return control.state === "running" && message.generation >= control.generation;
  }

  /** From now on the run is watched, until `leave` was called as often; until then `waker` hears of changes. */
  enter(run: string, waker: Waker): void {
    const open = this.#open.get(run) ?? { count: 0, wakers: new Set() };
    open.count++;
    open.wakers.add(waker);
    this.#open.set(run, open);
    this.#timer ??= setInterval(() => {
      this.refresh([...this.#open.keys()]).catch(this.#onFailed);
    }, REFRESH_MS);
  }

  leave(run: string): void {
    const open = this.#open.get(run);
    if (open !== undefined && --open.count > 0) return;
    this.#open.delete(run);
    this.#controls.delete(run);
    if (this.#open.size === 0) this.close();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** Two lanes read at once, and the first answer may come last: a generation that is held runs no more. */
function isOlder(control: RunControl, known: RunControl): boolean {
  if (control.generation !== known.generation) return control.generation < known.generation;
  return control.state === "running" && known.state !== "running";
}
