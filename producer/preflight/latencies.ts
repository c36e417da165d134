import type { Ledger } from "../../shared/ledger/ledger.ts";
import type { LaneSurvey, Survey } from "../plan/survey.ts";

/**
 * How long calls took before: of the plan's lanes and origins, from the newest runs of a ledger.
 *
 * In: a ledger and what the plan would call. Out: for each lane of which something is known, the mean time of a call.
 */

/** Runs that are looked into, the newest first. */
const RUNS = 20;
/** Calls of a run that are looked at, of whatever lane: so that looking takes a part of a second, however large it was. */
const CALLS_A_RUN = 5_000;
/** One that is reached by a function of AWS's is slower: what is known by then is enough. */
const LOOK_MS = 3_000;
/** So many of each origin are enough. */
const ENOUGH = 1_000;

/** What is known of a lane's calls. */
export interface KnownLatency {
  /** Mean of one attempt, over the lane's calls as the plan has them. */
  readonly attemptMs: number;
  /** Attempts a call, mean; at least 1. */
  readonly attempts: number;
  /** Calls that were looked at, and the runs that they are of. */
  readonly calls: number;
  readonly runs: number;
  /** Share of the plan's calls that go to an origin which was called before; the others are taken to be like these. */
  readonly share: number;
}

interface Sum {
  calls: number;
  latencyMs: number;
  attempts: number;
  readonly runs: Set<string>;
}

/** Throws SenpuError `ledger` when the ledger cannot be read. */
export async function readLatencies(
  ledger: Ledger,
  survey: Survey,
): Promise<ReadonlyMap<string, KnownLatency>> {
  const sums = new Map<string, Sum>();
  for (const { lane, origins } of survey.lanes) {
    for (const { origin } of origins) {
      sums.set(keyOf(lane, origin), { calls: 0, latencyMs: 0, attempts: 0, runs: new Set() });
    }
  }
  const until = performance.now() + LOOK_MS;
  for (const { id } of await ledger.listRuns(RUNS)) {
    if (performance.now() > until) break;
    if ([...sums.values()].every(({ calls }) => calls >= ENOUGH)) break;
    for await (const call of ledger.calls(id, { limit: CALLS_A_RUN })) {
      if (performance.now() > until) break;
      const sum = sums.get(keyOf(call.lane, originOf(call.url)));
      if (sum === undefined || call.latencyMs === null || sum.calls >= ENOUGH) continue;
      sum.calls++;
      sum.latencyMs += call.latencyMs;
      sum.attempts += Math.max(1, call.attempts);
      sum.runs.add(id);
    }
  }
  const known = new Map<string, KnownLatency>();
  for (const lane of survey.lanes) {
    const found = weigh(lane, sums);
    if (found !== undefined) known.set(lane.lane, found);
  }
  return known;
}

/** By how many of the plan's calls go to each origin. */
function weigh(
  { lane, origins }: LaneSurvey,
  sums: ReadonlyMap<string, Sum>,
): KnownLatency | undefined {
  const runs = new Set<string>();
  let planned = 0;
  let all = 0;
  let calls = 0;
  let latencyMs = 0;
  let attempts = 0;
  for (const { origin, calls: count } of origins) {
    all += count;
    const sum = sums.get(keyOf(lane, origin));
    if (sum === undefined || sum.calls === 0) continue;
    planned += count;
    calls += sum.calls;
    latencyMs += (count * sum.latencyMs) / sum.calls;
    attempts += (count * sum.attempts) / sum.calls;
    for (const run of sum.runs) runs.add(run);
  }
  if (planned === 0) return undefined;
  return {
    attemptMs: latencyMs / planned,
    attempts: attempts / planned,
    calls,
    runs: runs.size,
    share: planned / all,
  };
}

/** No lane's name has a space. */
function keyOf(lane: string, origin: string): string {
  return `${lane} ${origin}`;
}

function originOf(url: string): string {
  const path = url.indexOf("/", "https://".length);
  return path === -1 ? url : url.slice(0, path);
}
