import type { CallRow } from "../../shared/ledger/ledger.ts";
import type { AttemptsData } from "./report-data.ts";

/** Calls that took so many attempts or more are counted together. */
const MOST_SHOWN = 10;

/** How many attempts calls took, by how they ended. */
export class AttemptsTally {
  readonly #succeeded = new Float64Array(MOST_SHOWN + 1);
  readonly #failed = new Float64Array(MOST_SHOWN + 1);

  add({ attempts, state }: Pick<CallRow, "attempts" | "state">): void {
    if (state !== "succeeded" && state !== "failed") return;
    const counts = state === "succeeded" ? this.#succeeded : this.#failed;
    counts[Math.min(MOST_SHOWN, attempts)]! += 1;
  }

  /** From the fewest to the most that any call took; none where no call has ended. */
  summarize(): AttemptsData[] {
    const all = Array.from(this.#succeeded, (succeeded, attempts) => ({
      attempts,
      andMore: attempts === MOST_SHOWN,
      succeeded,
      failed: this.#failed[attempts]!,
    }));
    const isSome = ({ succeeded, failed }: AttemptsData): boolean => succeeded + failed > 0;
    return all.slice(Math.max(0, all.findIndex(isSome)), all.findLastIndex(isSome) + 1);
  }
}
