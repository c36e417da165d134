import type { ServedRequest } from "./server.ts";

/** What a server's log says. Pure. */

/** From the first arrival to the last answer, milliseconds. Throws when nothing arrived. */
export function spanOf(requests: readonly ServedRequest[]): number {
  const [first] = requests;
  if (first === undefined) throw new Error("nothing reached the server");
  return requests.reduce((last, { endedAt }) => Math.max(last, endedAt ?? 0), 0) - first.arrivedAt;
}

/** Arrivals with `from <= arrivedAt < to`. */
export function arrivalsIn<Request extends ServedRequest>(
  requests: readonly Request[],
  from: number,
  to: number,
): Request[] {
  return requests.filter(({ arrivedAt }) => arrivedAt >= from && arrivedAt < to);
}

/** Of the windows that begin with an arrival and end before the last one: how many requests each holds. */
export function countWindows(requests: readonly ServedRequest[], windowMs: number): number[] {
  const times = requests.map(({ arrivedAt }) => arrivedAt).toSorted((a, b) => a - b);
  const counts: number[] = [];
  for (let first = 0, end = 0; first < times.length; first++) {
    const to = times[first]! + windowMs;
    if (to > times.at(-1)!) break;
    while (times[end]! < to) end++;
    counts.push(end - first);
  }
  return counts;
}

/** How many that were not refused were being answered from one moment to another, on average. */
export function meanInFlight(requests: readonly ServedRequest[], from: number, to: number): number {
  let sum = 0;
  for (const { arrivedAt, endedAt, status } of requests) {
    if (status !== 200) continue;
    sum += Math.max(0, Math.min(to, endedAt ?? to) - Math.max(from, arrivedAt));
  }
  return sum / (to - from);
}
