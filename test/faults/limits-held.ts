import type { LoggedRequest } from "../support/misbehaving-server.ts";
import type { Stop } from "./journal.ts";
import type { ScenarioLane } from "./scenario.ts";

/** A server hears of a request that was given up, or whose sender was killed, this late at the most. */
const GIVEN_UP_MS = 150;
/** It is told of its own answer so late at the most, when this process is busy. */
const ANSWERED_MS = 15;
/** Rates are measured over these. */
const WINDOWS_MS = [1_000, 4_000] as const;

/** Moments at which the server had more open than the lane allows, but for times in which leases may have ended early. */
export function concurrencyExcess(
  log: readonly LoggedRequest[],
  { concurrency }: Pick<ScenarioLane, "concurrency">,
  early: readonly Stop[] = [],
): string[] {
  const edges = log
    .flatMap(({ arrivedAt, endedAt, status }) => {
      const lateMs = status === null ? GIVEN_UP_MS : ANSWERED_MS;
      const until = Math.max(arrivedAt, (endedAt ?? Infinity) - lateMs);
      return [
        { at: arrivedAt, step: 1 },
        { at: until, step: -1 },
      ];
    })
    .sort((a, b) => a.at - b.at || a.step - b.step);
  const found: string[] = [];
  let open = 0;
  for (const { at, step } of edges) {
    open += step;
    const isEarly = early.some(({ from, until }) => at >= from && at <= until);
    if (step > 0 && open > concurrency && !isEarly) {
      found.push(`${open} of ${concurrency} at ${Math.round(at)}`);
    }
  }
  return found;
}

/** Windows with more starts than the rate, and one more a worker: each may have one on its way when it is held up. */
export function rateExcess(
  log: readonly LoggedRequest[],
  rate: number,
  workers: number,
): { readonly excess: number; readonly found: string[] } {
  const starts = log.map(({ arrivedAt }) => arrivedAt).sort((a, b) => a - b);
  const allowed = 1 + workers;
  let excess = -Infinity;
  const found: string[] = [];
  for (const windowMs of WINDOWS_MS) {
    let first = 0;
    for (const [last, at] of starts.entries()) {
      while ((starts[first] as number) <= at - windowMs) first++;
      const over = last - first + 1 - (rate * windowMs) / 1_000;
      excess = Math.max(excess, over);
      if (over > allowed) {
        found.push(`${last - first + 1} in ${windowMs} ms up to ${Math.round(at)}, at ${rate}/s`);
      }
    }
  }
  return { excess, found };
}
