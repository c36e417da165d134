import type { Destination, Growth, ProbeRequest, Refusal, WindowBounds } from "./coordination.ts";

/**
 * What an adapter stores of a destination. The functions below say what becomes of it; where nothing changes they
 * return the very record they were given, which then need not be written.
 * States: open ⇄ closed → probed, by one worker at a time → open, or closed anew.
 */
export interface DestinationRecord extends Omit<Destination, "window"> {
  readonly window: number | undefined;
  /**
   * What attempts say that started before this is old news: the end of a closing (who starts during it has not heard
   * of it), then the beginning of its probe, then the reopening.
   */
  readonly newsFrom: number;
  /** When the window was last halved; attempts that had started by then do not halve it again. 0: never. */
  readonly narrowedAt: number;
  /** The worker whose probe it is; undefined: nobody's since it was closed. */
  readonly prober: string | undefined;
  /** No other worker may probe before this. */
  readonly proberUntil: number;
  /** When it was last written. */
  readonly changedAt: number;
}

/** Of a pause of a millisecond, more doublings would be longer than any `maxPauseMs`. */
const MAX_DOUBLINGS = 50;
/** A closed destination that nobody has probed for so many of the longest pauses begins anew with its next closing. */
const UNTRIED_PAUSES = 10;

/** A destination that is not stored: open, with no window of its own. */
export function unknownDestination(origin: string): DestinationRecord {
  return {
    origin,
    state: "open",
    until: 0,
    cause: "",
    closings: 0,
    closedSince: 0,
    window: undefined,
    newsFrom: 0,
    narrowedAt: 0,
    prober: undefined,
    proberUntil: 0,
    changedAt: 0,
  };
}

/**
 * After a refusal. Old news only prolongs a closing. News of an open destination closes it or halves its window, or
 * both; of a closed one, it is that the probe has failed, and closes it anew whatever its effect.
 */
export function refuseDestination(record: DestinationRecord, refusal: Refusal): DestinationRecord {
  if (refusal.startedAt < record.newsFrom) return prolong(record, refusal);
  const closes = refusal.effect !== "narrows" || record.state === "closed";
  // After a mere narrowing, the rest of the same burst may still close, but not halve again.
  const halves = refusal.effect !== "breaks" && refusal.startedAt > record.narrowedAt;
  if (!closes && !halves) return record;
  const window = windowOf(record, refusal);
  return {
    ...(closes ? close(record, refusal) : record),
    window: fit(halves ? window / 2 : window, refusal),
    narrowedAt: halves ? refusal.now : record.narrowedAt,
    changedAt: refusal.now,
  };
}

/**
 * After a worker asked to probe: another record if it may. Who has the probe may ask again and keeps it, so that an
 * answer lost on the way from the store costs nothing.
 */
export function probeDestination(
  record: DestinationRecord,
  { worker, ttlMs, now }: ProbeRequest,
): DestinationRecord {
  const own = record.prober === worker;
  const taken = record.prober !== undefined && !own && now < record.proberUntil;
  if (record.state === "open" || now < record.until || taken) return record;
  return {
    ...record,
    // Its call may have started since it first asked.
    newsFrom: own ? record.newsFrom : now,
    prober: worker,
    proberUntil: now + ttlMs,
    changedAt: now,
  };
}

/** After a good answer: open, with the window that it has. */
export function reopenDestination(record: DestinationRecord, now: number): DestinationRecord {
  if (record.state === "open") return record;
  return {
    ...unknownDestination(record.origin),
    window: record.window,
    newsFrom: now,
    narrowedAt: record.narrowedAt,
    changedAt: now,
  };
}

/** After successes: one wider a success until it was ever halved, then one wider a window of successes. */
export function growDestination(record: DestinationRecord, growth: Growth): DestinationRecord {
  const { successes, adapts, now } = growth;
  // What succeeds while it is closed had started before.
  if (record.state === "closed" || (record.window === undefined && !adapts)) return record;
  const before = windowOf(record, growth);
  const grown = record.narrowedAt === 0 ? before + successes : climb(before, growth);
  const window = fit(grown, growth);
  return window === record.window ? record : { ...record, window, changedAt: now };
}

/** Is it one that `destinations` tells? */
export function isListed({ state, window }: DestinationRecord): boolean {
  return state === "closed" || window !== undefined;
}

/** Nothing has changed since, and if it is closed, then not for longer than that: it need not be remembered. */
export function isForgettable({ changedAt, until }: DestinationRecord, before: number): boolean {
  return changedAt < before && until < before;
}

/** What of it others are told. */
export function toDestination(record: DestinationRecord): Destination {
  const { origin, state, until, cause, closings, closedSince, window } = record;
  const told = { origin, state, until, cause, closings, closedSince };
  return window === undefined ? told : { ...told, window };
}

function prolong(record: DestinationRecord, { until, now }: Refusal): DestinationRecord {
  if (record.state === "open" || until === undefined || until <= record.until) return record;
  const newsFrom = record.prober === undefined ? until : record.newsFrom;
  return { ...record, until, newsFrom, changedAt: now };
}

function close(record: DestinationRecord, refusal: Refusal): DestinationRecord {
  const { cause, pauseMs, maxPauseMs, now } = refusal;
  // Nobody has tried it for long: what it did then says nothing of now.
  const stale = now - record.until > UNTRIED_PAUSES * maxPauseMs;
  const closings = stale ? 0 : record.closings;
  const pause = Math.min(pauseMs * 2 ** Math.min(closings, MAX_DOUBLINGS), maxPauseMs);
  // A Retry-After of 0 says that the server does not know, not that there is no need to wait.
  const said = refusal.until !== undefined && refusal.until > now ? refusal.until : now + pause;
  const until = Math.max(said, record.until);
  return {
    ...record,
    state: "closed",
    until,
    cause,
    closings: closings + 1,
    closedSince: closings === 0 ? now : record.closedSince,
    newsFrom: until,
    prober: undefined,
    proberUntil: 0,
  };
}

function windowOf({ window }: DestinationRecord, { floor, ceiling, adapts }: WindowBounds): number {
  return window ?? (adapts ? floor : ceiling);
}

/** Within the bounds; at the ceiling only a lane that adapts keeps it. */
function fit(window: number, { floor, ceiling, adapts }: WindowBounds): number | undefined {
  const within = Math.min(Math.max(window, floor), ceiling);
  return adapts || within < ceiling ? within : undefined;
}

/** Window by window, so that many successes told at once widen it no more than the same told one by one. */
function climb(from: number, { successes, ceiling }: Growth): number {
  let window = from;
  let left = successes;
  while (left >= window && window < ceiling) {
    left -= window;
    window++;
  }
  return window + left / window;
}
