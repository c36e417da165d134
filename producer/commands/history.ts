import type { RunEvent } from "../../shared/ledger/ledger.ts";
import { plainLine } from "../../shared/terminal/fit.ts";
import { formatClock, formatDuration, formatWhen } from "../../shared/terminal/format.ts";

/** One entry of `senpu status RUN --json --history`. */
export interface HistoryEntry {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly what: RunEvent["what"];
  /** A command with its process and user, or `recorder`. */
  readonly by: string;
  /** Of a pause: how long it lasted, or has lasted until now. */
  readonly lastedMs?: number;
}

export function toHistory(events: readonly RunEvent[], now: number): HistoryEntry[] {
  return events.map(({ at, what, by }, index) => ({
    at: new Date(at).toISOString(),
    what,
    by,
    ...(what === "paused" && { lastedMs: Math.max(0, (events[index + 1]?.at ?? now) - at) }),
  }));
}

/** Who did what when, a line each. */
export function describeHistory(events: readonly RunEvent[], now: number): string[] {
  const entries = toHistory(events, now).map(({ what, lastedMs, by }, index) => ({
    at: events[index]!.at,
    words: lastedMs === undefined ? what : `${what} for ${formatDuration(lastedMs)}`,
    by,
  }));
  const width = Math.max(0, ...entries.map(({ words }) => words.length));
  const days = new Set(entries.map(({ at }) => formatWhen(at).slice(0, 10)));
  return entries.map(({ at, words, by }) => {
    // The day is worth its columns only where there is more than one.
    const when = days.size > 1 ? formatWhen(at) : formatClock(at);
    return `${when}  ${words.padEnd(width)}  by ${plainLine(by)}`;
  });
}
