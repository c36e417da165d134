import { durationMs } from "../plan/duration.ts";
import type { LaneSurvey, Survey } from "../plan/survey.ts";
import type { KnownLatency } from "./latencies.ts";

/** How long a run would take, and what that rests on. Pure. */

/** One attempt, where nothing is known and nobody says: a usual API. */
const ASSUMED_LATENCY_MS = 200;
/** From the command to the first call, and from the last outcome to the run's end, on a machine that is not busy. */
export const OVERHEAD_MS = 250;

export interface Forecast {
  /** From the run's begin to its end. */
  readonly durationMs: number;
  /** The least that the limits allow, by what is known of latencies; null: nothing limits it but what is assumed. */
  readonly boundMs: number | null;
  /** Does the run end within its deadline? */
  readonly fits: boolean;
  readonly lanes: readonly LaneForecast[];
  /** All lanes under their total; null: there is none. */
  readonly total: PartForecast | null;
}

interface PartForecast {
  readonly durationMs: number;
  /** What holds it back. */
  readonly by: "rate" | "concurrency" | "latency";
}

export interface LaneForecast extends PartForecast {
  readonly lane: string;
  /** One attempt, mean. */
  readonly latencyMs: number;
  /** Attempts a call, mean. */
  readonly attempts: number;
  /** `ledger`: earlier calls of the same lane and origins; `given`: the person says so; `assumed`: nothing is known. */
  readonly basis: "ledger" | "given" | "assumed";
  readonly known: KnownLatency | null;
}

export interface ForecastInput {
  readonly survey: Survey;
  readonly known: ReadonlyMap<string, KnownLatency>;
  /** Of one attempt, for every lane, whatever is known; undefined: as the ledger says. */
  readonly givenMs: number | undefined;
}

export function forecast({ survey, known, givenMs }: ForecastInput): Forecast {
  const lanes = survey.lanes.map((lane) => forecastLane(lane, known.get(lane.lane), givenMs));
  const total = forecastTotal(survey, lanes);
  const parts = total === null ? lanes : [...lanes, total];
  const bound = boundOf(survey, lanes);
  return {
    durationMs:
      parts.length === 0 ? 0 : OVERHEAD_MS + Math.max(...parts.map((part) => part.durationMs)),
    boundMs: bound,
    fits: bound === null || bound <= survey.deadlineMs,
    lanes,
    total,
  };
}

/** The same, if calls whose latency is assumed took `latencyMs`. */
export function durationAt(survey: Survey, told: Forecast, latencyMs: number): number {
  const lanes = survey.lanes.map((lane, index) => {
    const before = told.lanes[index] as LaneForecast;
    return before.basis === "assumed" ? forecastLane(lane, undefined, latencyMs) : before;
  });
  const total = forecastTotal(survey, lanes);
  return OVERHEAD_MS + Math.max(0, total?.durationMs ?? 0, ...lanes.map((lane) => lane.durationMs));
}

function forecastLane(
  lane: LaneSurvey,
  known: KnownLatency | undefined,
  givenMs: number | undefined,
): LaneForecast {
  const latencyMs = givenMs ?? known?.attemptMs ?? ASSUMED_LATENCY_MS;
  const attempts = known?.attempts ?? 1;
  return {
    lane: lane.lane,
    latencyMs,
    attempts,
    basis: givenMs !== undefined ? "given" : known === undefined ? "assumed" : "ledger",
    known: known ?? null,
    ...part(lane, latencyMs, attempts),
  };
}

/** Each lane's calls count by how long they take. */
function forecastTotal(
  { lanes, total }: Survey,
  told: readonly LaneForecast[],
): PartForecast | null {
  if (total === null || total.calls === 0) return null;
  let latencyMs = 0;
  let attempts = 0;
  for (const [index, { calls }] of lanes.entries()) {
    const lane = told[index] as LaneForecast;
    latencyMs += (calls * lane.latencyMs) / total.calls;
    attempts += (calls * lane.attempts) / total.calls;
  }
  return part(total, latencyMs, attempts);
}

/** An attempt that is repeated takes a slot again, and a start. */
function part(
  pacing: Pick<LaneSurvey, "calls" | "leastMs"> & { readonly concurrency: number | null },
  latencyMs: number,
  attempts: number,
): PartForecast {
  const leastMs = pacing.leastMs === null ? null : pacing.leastMs * attempts;
  const ms = durationMs({ ...pacing, leastMs }, latencyMs * attempts);
  const bySlots = durationMs({ ...pacing, leastMs: null }, latencyMs * attempts);
  if (leastMs !== null && ms > bySlots) return { durationMs: ms, by: "rate" };
  const isSerial = pacing.concurrency !== null && pacing.calls > pacing.concurrency;
  return { durationMs: ms, by: isSerial ? "concurrency" : "latency" };
}

/** Rates hold whatever the latency; slots are believed only where the latency is known or given. */
function boundOf(survey: Survey, lanes: readonly LaneForecast[]): number | null {
  const bounds = lanes.filter(({ basis }) => basis !== "assumed").map(({ durationMs: ms }) => ms);
  if (survey.leastMs !== null) bounds.push(survey.leastMs);
  return bounds.length === 0 ? null : Math.max(...bounds);
}
