import type { CallRow } from "../../shared/ledger/ledger.ts";
import type { CallData, FailureData } from "./report-data.ts";
import { showCall } from "./show-call.ts";
import { showText } from "./show-text.ts";

const EXAMPLES = 3;
const ERRORS_SHOWN = 3;
/** Errors that differ in each call, by an id or a port, would else grow without bound. */
const MAX_ERRORS = 200;
const MAX_LANES = 20;
const ERROR_LENGTH = 160;

/** The failures of one cause: since when, where, in which words, and a few of the calls. */
export class FailureTally {
  #firstAt = Infinity;
  #lastAt = -Infinity;
  readonly #lanes = new Map<string, number>();
  readonly #errors = new Map<string, number>();
  /** Of different errors first, then any. */
  readonly #different: CallData[] = [];
  readonly #more: CallData[] = [];

  add(call: CallRow, settledAt: number | null): void {
    if (settledAt !== null) {
      this.#firstAt = Math.min(this.#firstAt, settledAt);
      this.#lastAt = Math.max(this.#lastAt, settledAt);
    }
    increase(this.#lanes, call.lane, MAX_LANES);
    const error = call.error === null ? "" : showText(call.error.slice(0, 1_000), ERROR_LENGTH);
    const isNew = !this.#errors.has(error);
    if (error !== "") increase(this.#errors, error, MAX_ERRORS);
    if (isNew && this.#different.length < EXAMPLES) this.#different.push(showCall(call));
    else if (this.#more.length < EXAMPLES) this.#more.push(showCall(call));
  }

  summarize(): Pick<FailureData, "firstAt" | "lastAt" | "lanes" | "errors" | "examples"> {
    return {
      firstAt: toIso(this.#firstAt),
      lastAt: toIso(this.#lastAt),
      lanes: mostFrequent(this.#lanes, MAX_LANES).map(([lane, count]) => ({ lane, count })),
      errors: mostFrequent(this.#errors, ERRORS_SHOWN).map(([error, count]) => ({ error, count })),
      examples: [...this.#different, ...this.#more].slice(0, EXAMPLES),
    };
  }
}

function increase(counts: Map<string, number>, key: string, maxKeys: number): void {
  const count = counts.get(key);
  if (count !== undefined || counts.size < maxKeys) counts.set(key, (count ?? 0) + 1);
}

function mostFrequent(counts: ReadonlyMap<string, number>, most: number): [string, number][] {
  return [...counts].sort(([, a], [, b]) => b - a).slice(0, most);
}

function toIso(at: number): string | null {
  return Number.isFinite(at) ? new Date(at).toISOString() : null;
}
