import type { FaultKind } from "./fault.ts";

/** Something after which calls may be made a second time: those that were under way in its time, or just before. */
export interface Disturbance {
  /** Epoch milliseconds. */
  readonly from: number;
  readonly until: number;
  readonly why: string;
  /** Calls of messages that are there twice: these may be made again whenever they are met. */
  readonly ids?: ReadonlySet<string>;
}

/** Answers of a lane's API may have been lost on their way: who was sent one may not have had it. */
export interface Outage {
  readonly lane: string;
  /** Epoch milliseconds. */
  readonly from: number;
  readonly until: number;
}

/** A process was held: in that time nothing left it, or nothing reached it. Epoch milliseconds. */
export interface Stop {
  readonly from: number;
  readonly until: number;
}

/** Whoever sees a kill a little late (a request that was sent before it, and logged after) is this late at the most. */
const LATE_MS = 300;

/** What was done to a scenario's processes, and what they did of themselves, in order. */
export class Journal {
  readonly disturbances: Disturbance[] = [];
  readonly outages: Outage[] = [];
  readonly stops: Stop[] = [];
  /** When clocks were set forward, epoch milliseconds: leases end early then. */
  readonly jumps: number[] = [];
  /** What should never be seen, whatever befalls a process. */
  readonly offences: string[] = [];
  readonly done = new Map<FaultKind, number>();
  /** Faults that found nobody to befall. */
  missed = 0;
  /** Messages sent twice. */
  duplicates = 0;
  restarts = 0;
  /** When those were started that took the run up: epoch milliseconds. */
  readonly resumedAt: number[] = [];
  resumes = 0;
  readonly #startedAt = now();
  readonly #lines: string[] = [];

  note(line: string): void {
    const seconds = ((now() - this.#startedAt) / 1_000).toFixed(2).padStart(7);
    this.#lines.push(`${seconds} s  ${line}`);
  }

  disturb(why: string, from = now(), ids?: ReadonlySet<string>): void {
    const until = now() + LATE_MS;
    this.disturbances.push({ from, until, why, ...(ids === undefined ? {} : { ids }) });
  }

  offend(what: string): void {
    this.note(`OFFENCE ${what}`);
    this.offences.push(what);
  }

  count(kind: FaultKind): void {
    this.done.set(kind, (this.done.get(kind) ?? 0) + 1);
  }

  get text(): string {
    return `${this.#lines.join("\n")}\n`;
  }
}

/** Epoch milliseconds with fractions, on the clock of the servers' logs. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
