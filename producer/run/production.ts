import type { Session } from "../../shared/session.ts";
import type { Plan } from "../plan/plan.ts";
import { produce } from "./produce.ts";

/**
 * The producing side of a run that is conducted: idle ⇄ producing one generation, to the plan's end or until it is ended.
 * What a generation could not publish is told to `onFailed`.
 */
export class Production {
  /** Calls read so far in this generation. */
  planned = 0;
  readonly #parts: { readonly session: Session; readonly plan: Plan; readonly run: string };
  readonly #onFailed: (error: unknown) => void;
  #stop = new AbortController();
  #over: Promise<unknown> = Promise.resolve();

  constructor(
    parts: { readonly session: Session; readonly plan: Plan; readonly run: string },
    onFailed: (error: unknown) => void,
  ) {
    this.#parts = parts;
    this.#onFailed = onFailed;
  }

  begin(generation: number): void {
    const { session, plan, run } = this.#parts;
    this.#stop = new AbortController();
    this.#over = produce({
      session,
      plan,
      run,
      generation,
      signal: this.#stop.signal,
      onPlanned: (planned) => {
        this.planned = planned;
      },
    }).catch(this.#onFailed);
  }

  /** Nothing more is published once it resolves. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.#over;
  }
}
