import type { CallRow } from "../../shared/ledger/ledger.ts";
import type { Figures } from "../../shared/model/figures.ts";
import type { LoggedRequest } from "../support/misbehaving-server.ts";
import type { Disturbance, Outage, Stop } from "./journal.ts";
import type { ScenarioCall } from "./make-calls.ts";
import type { Scenario } from "./scenario.ts";
import { judgeRepeats, timesOf } from "./judge-repeats.ts";
import type { Seen } from "./judge-repeats.ts";
import { concurrencyExcess, rateExcess } from "./limits-held.ts";

export interface Evidence {
  readonly scenario: Scenario;
  readonly figures: Figures;
  readonly rows: readonly CallRow[];
  /** What each lane's API saw. */
  readonly requests: ReadonlyMap<string, readonly LoggedRequest[]>;
  readonly disturbances: readonly Disturbance[];
  readonly outages: readonly Outage[];
  readonly stops: readonly Stop[];
  readonly jumps: readonly number[];
}

export interface Verdict {
  /** `<invariant>: <what breaks it>`. Each is an invariant that does not hold, and for what. */
  readonly violations: readonly string[];
  /** Requests that the servers saw beyond the attempts that the ledger knows of. */
  readonly madeAgain: number;
  /** How many there may be: what was under way at each disturbance, or answered within the second before. */
  readonly bound: number;
  /** Starts beyond a rate, in its worst window. */
  readonly rateExcess: number;
}

/** Statuses by which a server says that it has not processed the request. */
const NOT_PROCESSED: ReadonlySet<number | null> = new Set([408, 425, 429, 503]);
/** A worker renews its lease each second, and a busy machine's later. */
const HEARS_MS = 1_500;
/** In a message, so that a person can read it. */
const MAX_EXAMPLES = 5;

/** What holds of every settled run, whatever befell its processes. */
export function judge(evidence: Evidence): Verdict {
  const { scenario, rows, requests } = evidence;
  const violations: string[] = [];
  const seen = Map.groupBy([...requests.values()].flat(), ({ id }) => id);
  const say = (invariant: string, found: readonly string[]): void => {
    if (found.length === 0) return;
    const examples = found.slice(0, MAX_EXAMPLES).join("; ");
    violations.push(`${invariant}: ${found.length}, such as ${examples}`);
  };
  say("every planned call has exactly one outcome", wronglyAccounted(scenario.calls, rows));
  say("the sums agree", wrongSums(evidence));
  say("a call that succeeded was seen by its server", notSeen(rows, seen));
  const [unsafe, delivered] = unsafeTwice(evidence, seen);
  say("no unsafe call is made again after an unknown result", unsafe);
  say("no unsafe call is made twice by two deliveries", delivered);
  say("an unsafe call has one key", severalKeys(seen));
  const again = judgeRepeats(evidence, seen);
  say("a call is made again only after a kill or a cut that it was under way at", again.unexcused);
  let worstRate = -Infinity;
  // Whose lease has ended early still has its calls in flight, and starts no more when it hears of it.
  const earlyMs = scenario.timeoutMs + HEARS_MS;
  const early = evidence.jumps.map((from) => ({ from, until: from + earlyMs }));
  for (const lane of scenario.lanes) {
    const log = requests.get(lane.name) ?? [];
    say(`lane ${lane.name} keeps its concurrency`, concurrencyExcess(log, lane, early));
    if (lane.rate === null) continue;
    const rate = rateExcess(log, lane.rate, scenario.workers);
    worstRate = Math.max(worstRate, rate.excess);
    say(`lane ${lane.name} keeps its rate`, rate.found);
  }
  return { violations, madeAgain: again.count, bound: again.bound, rateExcess: worstRate };
}

function wronglyAccounted(calls: readonly ScenarioCall[], rows: readonly CallRow[]): string[] {
  const byId = Map.groupBy(rows, ({ id }) => id);
  const wrong = calls.flatMap(({ id }) => {
    const found = byId.get(id) ?? [];
    if (found.length !== 1) return [`${id} has ${found.length} rows`];
    return found[0]?.state === "succeeded" || found[0]?.state === "failed"
      ? []
      : [`${id} is ${found[0]?.state}`];
  });
  const planned = new Set(calls.map(({ id }) => id));
  return [
    ...wrong,
    ...[...byId.keys()].filter((id) => !planned.has(id)).map((id) => `${id} was never planned`),
  ];
}

function wrongSums({ figures, rows, scenario }: Evidence): string[] {
  const count = (state: string): number => rows.filter((row) => row.state === state).length;
  const attempts = rows.reduce((sum, row) => sum + row.attempts, 0);
  const expected: Partial<Figures> = {
    state: "settled",
    planned: scenario.calls.length,
    succeeded: count("succeeded"),
    failed: count("failed"),
    cancelled: 0,
    pending: 0,
    attempts,
  };
  return Object.entries(expected)
    .filter(([name, value]) => figures[name as keyof Figures] !== value)
    .map(
      ([name, value]) =>
        `${name} is ${JSON.stringify(figures[name as keyof Figures])}, not ${JSON.stringify(value)}`,
    );
}

function notSeen(rows: readonly CallRow[], seen: Seen): string[] {
  return rows
    .filter(({ state }) => state === "succeeded")
    .filter(
      ({ id }) => !(seen.get(id) ?? []).some(({ status, isWhole }) => status === 200 && isWhole),
    )
    .map(({ id }) => id);
}

/** Those whose message was there once, and those whose message was there twice. */
function unsafeTwice({ scenario, disturbances }: Evidence, seen: Seen): [string[], string[]] {
  const unsafe: string[] = [];
  const delivered: string[] = [];
  if (scenario.retryUnsafe) return [unsafe, delivered];
  for (const { id, method } of scenario.calls) {
    if (method !== "POST" && method !== "PATCH") continue;
    const begun = (seen.get(id) ?? []).filter(({ status }) => !NOT_PROCESSED.has(status));
    if (begun.length <= 1) continue;
    const isDouble = disturbances.some(({ ids }) => ids?.has(id));
    (isDouble ? delivered : unsafe).push(`${method} ${id} seen at ${timesOf(begun)}`);
  }
  return [unsafe, delivered];
}

function severalKeys(seen: Seen): string[] {
  return [...seen]
    .filter(
      ([, requests]) => new Set(requests.map(({ idempotencyKey }) => idempotencyKey)).size > 1,
    )
    .map(([id]) => id);
}
