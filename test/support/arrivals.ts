import type { LoggedRequest } from "./misbehaving-server.ts";

/** Most requests that arrived within any time of this length. */
export function mostWithin(
  requests: readonly Pick<LoggedRequest, "arrivedAt">[],
  ms: number,
): number {
  return mostMoments(
    requests.map(({ arrivedAt }) => arrivedAt),
    ms,
  );
}

/** The most of these moments that lie within any window of that length. */
export function mostMoments(moments: readonly number[], ms: number): number {
  const sorted = moments.toSorted((a, b) => a - b);
  let most = 0;
  for (let last = 0, first = 0; last < sorted.length; last++) {
    while (sorted[last]! - sorted[first]! >= ms) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

/** Requests a second, without the start and the end. */
export function steadyRate(
  requests: readonly Pick<LoggedRequest, "arrivedAt">[],
  edgeMs = 1_000,
): number {
  const times = requests.map(({ arrivedAt }) => arrivedAt).toSorted((a, b) => a - b);
  const from = (times[0] ?? 0) + edgeMs;
  const to = (times.at(-1) ?? 0) - edgeMs;
  return times.filter((at) => at >= from && at < to).length / ((to - from) / 1000);
}
