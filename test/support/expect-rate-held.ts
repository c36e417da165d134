import { expect } from "vitest";
import { mostWithin } from "./arrivals.ts";
import type { LoggedRequest } from "./misbehaving-server.ts";

/** So much later than it started may a call arrive, on a busy machine. */
const LATE_MS = 100;

/** Starts are held to the rate: what arrives within a second may have started up to {@link LATE_MS} before it. */
export function expectRateHeld(
  requests: readonly Pick<LoggedRequest, "arrivedAt">[],
  aSecond: number,
): void {
  const most = 1 + (aSecond * (1_000 + LATE_MS)) / 1_000;
  expect(mostWithin(requests, 1_000)).toBeLessThanOrEqual(most);
  const times = requests.map(({ arrivedAt }) => arrivedAt);
  const leastMs = ((requests.length - 2) / aSecond) * 1_000 - LATE_MS;
  expect(Math.max(...times) - Math.min(...times)).toBeGreaterThanOrEqual(leastMs);
}
