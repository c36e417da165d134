import type { CallRow } from "../../shared/ledger/ledger.ts";

/** The calls whose last attempt took longest; the slowest first. */
export class Slowest {
  readonly #most: number;
  readonly #calls: CallRow[] = [];
  #leastMs = -1;

  constructor(most: number) {
    this.#most = most;
  }

  get calls(): readonly CallRow[] {
    return this.#calls;
  }

  add(call: CallRow): void {
    const latencyMs = call.latencyMs ?? -1;
    if (latencyMs <= this.#leastMs) return;
    const place = this.#calls.findIndex((each) => latencyMs > (each.latencyMs ?? -1));
    this.#calls.splice(place === -1 ? this.#calls.length : place, 0, call);
    if (this.#calls.length > this.#most) this.#calls.pop();
    if (this.#calls.length === this.#most) this.#leastMs = this.#calls.at(-1)?.latencyMs ?? -1;
  }
}
