import { setTimeout as sleep } from "node:timers/promises";
import type { Ledger } from "../../../shared/ledger/ledger.ts";
import type { OutcomeWatch, Seen } from "./outcome-watch.ts";

/**
 * Sees outcomes in the ledger: that they are there shows that the recorder works too. The run stays there, under the
 * name `canary`. A death leaves it without its outcomes: `senpu runs` shows it as interrupted, and nothing waits for it.
 */
export class LedgerWatch implements OutcomeWatch {
  readonly #ledger: Ledger;
  readonly #pollMs: number;
  #run = "";

  constructor(ledger: Ledger, pollMs: number) {
    this.#ledger = ledger;
    this.#pollMs = pollMs;
  }

  async begin(run: string): Promise<void> {
    this.#run = run;
    await this.#ledger.createRun(
      {
        id: run,
        name: "canary",
        parent: null,
        createdAt: Date.now(),
        source: JSON.stringify({ shown: "senpu deploy", digest: "" }),
        settings: "{}",
        tolerance: null,
      },
      "senpu deploy",
    );
  }

  async look(): Promise<ReadonlyMap<string, Seen>> {
    await sleep(this.#pollMs);
    const seen = new Map<string, Seen>();
    for await (const { id, state, status, error } of this.#ledger.calls(this.#run, {})) {
      if (state !== "pending") seen.set(id, { state, status, error });
    }
    return seen;
  }

  /** What has no outcome by now is waited for no more; one that comes later outranks this. */
  async end(): Promise<void> {
    const { pending } = await this.#ledger.figures(this.#run, Date.now());
    if (pending === 0) return;
    await this.#ledger.setState(this.#run, "cancelled", "senpu deploy", Date.now());
  }
}
