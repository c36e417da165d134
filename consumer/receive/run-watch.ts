import type { Coordination, RunControl } from "../../shared/coordination/coordination.ts";
import type { CallsMessage } from "../../shared/model/message.ts";

/** How soon a worker notices that a run was paused, cancelled or started anew. */
const REFRESH_MS = 250;

/**
 * What this worker knows of the runs it works on: whose messages are to be dropped.
 * A run that coordination does not know (its store was lost) is worked on: the ledger accounts for it all the same.
 */
export class RunWatch {
  readonly #coordination: Coordination;
  readonly #controls = new Map<string, RunControl>();
  readonly #open = new Map<string, number>();
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
      if (control !== undefined) this.#controls.set(run, control);
    }
  }

  /** May calls of this message still be started? */
  allows(message: CallsMessage): boolean {
    const control = this.#controls.get(message.run);
    if (control === undefined) return true;
    return control.state === "running" && message.generation >= control.generation;
  }

  /** From now on the run is watched, until `leave` was called as often. */
  enter(run: string): void {
    this.#open.set(run, (this.#open.get(run) ?? 0) + 1);
    this.#timer ??= setInterval(() => {
      this.refresh([...this.#open.keys()]).catch(this.#onFailed);
    }, REFRESH_MS);
  }

  leave(run: string): void {
    const left = (this.#open.get(run) ?? 1) - 1;
    if (left > 0) {
      this.#open.set(run, left);
      return;
    }
    this.#open.delete(run);
    this.#controls.delete(run);
    if (this.#open.size === 0) this.close();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
