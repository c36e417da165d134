import type { LoggedRequest } from "../support/misbehaving-server.ts";
import type { Outage, Stop } from "./journal.ts";
import type { Evidence } from "./judge.ts";
import type { Length } from "./scenario.ts";

/** What the servers saw of each call, oldest first. */
export type Seen = ReadonlyMap<string, readonly LoggedRequest[]>;

export interface Repeats {
  /** Requests beyond the attempts that the ledger knows of. */
  readonly count: number;
  /** Requests of calls that were under way at a disturbance, or had ended within the second before. */
  readonly bound: number;
  /** Calls with more of the first than of the second. */
  readonly unexcused: string[];
}

/**
 * Outcomes leave at least once a second; what is late by less is the machine's doing. Short scenarios play while many
 * others use the machine, and are to tell of what is broken, not of what is late.
 */
const BEFORE_MS: Readonly<Record<Length, number>> = { short: 3_000, long: 1_300 };

/** Calls that were made again, and whether something had befallen them that excuses it. */
export function judgeRepeats(
  { scenario, rows, disturbances, outages, stops }: Evidence,
  seen: Seen,
): Repeats {
  const { attempts: maxAttempts, length } = scenario;
  let count = 0;
  let bound = 0;
  const unexcused: string[] = [];
  const sinceOf = new Map(
    disturbances.map((one) => [one, goBack(one.from, BEFORE_MS[length], stops)]),
  );
  for (const { id, lane, attempts } of rows) {
    const requests = seen.get(id) ?? [];
    const lives = intoLives(requests, maxAttempts, (request) =>
      outages.some((outage) => outage.lane === lane && isDuring(request, outage)),
    );
    const again = Math.max(0, requests.length - attempts);
    const excused = disturbances.reduce((sum, disturbance) => {
      if (disturbance.ids === undefined) {
        return sum + underWay(lives, sinceOf.get(disturbance)!, disturbance.until);
      }
      return sum + (disturbance.ids.has(id) ? maxAttempts : 0);
    }, 0);
    count += again;
    bound += excused;
    if (again > excused) {
      unexcused.push(
        `${id}, ${attempts} attempts, ${excused} excused, seen at ${timesOf(requests)}`,
      );
    }
  }
  return { count, bound, unexcused };
}

export function timesOf(requests: readonly LoggedRequest[]): string {
  return requests.map(({ arrivedAt, status }) => `${Math.round(arrivedAt)} (${status})`).join(", ");
}

/** Requests from a call's first to the one that settled it, as its worker saw it. */
interface Life {
  readonly requests: LoggedRequest[];
  readonly from: number;
  readonly until: number;
}

function intoLives(
  requests: readonly LoggedRequest[],
  maxAttempts: number,
  mayBeLost: (request: LoggedRequest) => boolean,
): Life[] {
  const lives: Life[] = [];
  let open: LoggedRequest[] = [];
  const close = (until: number): void => {
    const [first] = open;
    if (first !== undefined) lives.push({ requests: open, from: first.arrivedAt, until });
    open = [];
  };
  for (const request of requests) {
    open.push(request);
    if ((settles(request) && !mayBeLost(request)) || open.length === maxAttempts) {
      close(request.endedAt ?? Infinity);
    }
  }
  close(Infinity);
  return lives;
}

function isDuring({ endedAt }: LoggedRequest, { from, until }: Outage): boolean {
  return endedAt !== null && endedAt >= from && endedAt <= until;
}

function settles({ status, isWhole }: LoggedRequest): boolean {
  return isWhole && status !== null && status < 500 && status !== 429;
}

/** So long before `at`, leaving out the time in which some process was held. */
function goBack(at: number, ms: number, stops: readonly Stop[]): number {
  let since = at;
  let left = ms;
  for (const { from, until } of stops.toSorted((a, b) => b.from - a.from)) {
    const end = Math.min(until, since);
    if (from >= since) continue;
    if (since - end >= left) break;
    left -= since - end;
    since = from;
  }
  return since - left;
}

/** Requests of lives that ended since then, or were under way until then. */
function underWay(lives: readonly Life[], since: number, until: number): number {
  return lives
    .filter((life) => life.from <= until && life.until >= since)
    .reduce(
      (sum, { requests }) => sum + requests.filter(({ arrivedAt }) => arrivedAt <= until).length,
      0,
    );
}
