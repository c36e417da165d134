import type { FaultKind } from "./fault.ts";
import type { Played } from "./play.ts";

/** What many scenarios came to. */
export class Totals {
  readonly failed: Played[] = [];
  played = 0;
  readonly #faults = new Map<FaultKind, number>();
  #calls = 0;
  #madeAgain = 0;
  #cuts = 0;
  #duplicates = 0;
  #restarts = 0;
  #resumes = 0;
  #missed = 0;
  /** Share of the bound that was used, and by which seed. */
  #closest = { share: 0, seed: 0, madeAgain: 0, bound: 0 };
  #rateExcess = -Infinity;

  add(played: Played): void {
    const { scenario, verdict, journal, cuts } = played;
    this.played++;
    if (verdict.violations.length > 0) this.failed.push(played);
    for (const [kind, count] of journal.done) {
      this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + count);
    }
    this.#calls += scenario.calls.length;
    this.#madeAgain += verdict.madeAgain;
    this.#cuts += cuts;
    this.#duplicates += journal.duplicates;
    this.#restarts += journal.restarts;
    this.#resumes += journal.resumes;
    this.#missed += journal.missed;
    this.#rateExcess = Math.max(this.#rateExcess, verdict.rateExcess);
    const { madeAgain, bound } = verdict;
    const share = madeAgain / Math.max(1, bound);
    if (share >= this.#closest.share) {
      this.#closest = { share, seed: scenario.seed, madeAgain, bound };
    }
  }

  get kills(): number {
    return this.#faults.get("kill") ?? 0;
  }

  #byInvariant(): string[] {
    const broken = new Map<string, number[]>();
    for (const { scenario, verdict } of this.failed) {
      for (const violation of verdict.violations) {
        const [invariant = ""] = violation.split(":", 1);
        broken.set(invariant, [...(broken.get(invariant) ?? []), scenario.seed]);
      }
    }
    return [...broken].map(
      ([invariant, seeds]) => `broken: ${invariant} (seeds ${seeds.join(", ")})`,
    );
  }

  /** The summary, and how to play again what failed. */
  get text(): string {
    const { share, seed, madeAgain, bound } = this.#closest;
    const faults = [...this.#faults].map(([kind, count]) => `${kind} ${count}`).sort();
    return [
      "",
      `${this.played} scenarios, ${this.failed.length} failed; ${this.#calls} calls, ${this.#madeAgain} requests more than the ledger knows of`,
      `faults: ${faults.join(", ")}; ${this.#missed} found nobody`,
      `${this.#cuts} connections cut, ${this.#duplicates} messages sent twice, ${this.#restarts} restarts, ${this.#resumes} resumes`,
      `nearest to its bound: seed ${seed}, ${madeAgain} of ${bound} (${(share * 100).toFixed(0)} %)`,
      `most starts beyond a rate in a window: ${this.#rateExcess.toFixed(1)}`,
      ...this.#byInvariant(),
      ...this.failed.map(
        ({ scenario, folder, verdict }) =>
          `FAILED seed ${scenario.seed}, kept in ${folder}\n  npm run test:faults -- --seed ${scenario.seed}${scenario.length === "short" ? " --short" : ""}\n  ${verdict.violations.join("\n  ")}`,
      ),
    ].join("\n");
  }
}

/** One line of what a scenario came to; more where it failed. */
export function progressLine(played: Played, totals: Totals): string {
  const { scenario, verdict, journal, tookMs, cuts } = played;
  const isRight = verdict.violations.length === 0;
  const line = [
    isRight ? "ok    " : "FAILED",
    `seed ${scenario.seed}`,
    `${(tookMs / 1_000).toFixed(0)} s`,
    scenario.topology,
    `${scenario.calls.length} calls`,
    `${journal.done.get("kill") ?? 0} kills`,
    `${cuts} cuts`,
    `${journal.duplicates} duplicates`,
    `${verdict.madeAgain} of ${verdict.bound} made again`,
    `(${totals.kills} kills so far)`,
  ].join("  ");
  return isRight ? line : [line, ...verdict.violations.map((one) => `  ${one}`)].join("\n");
}
