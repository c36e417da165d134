import { setTimeout as sleep } from "node:timers/promises";

/**
 * What AWS WAF says when somebody else has changed the thing since it was read, or when it is not yet known everywhere.
 * Source: AWS WAF API reference, UpdateIPSet, UpdateWebACL.
 */
const TAKEN = new Set([
  "WAFOptimisticLockException",
  "WAFUnavailableEntityException",
  "WAFInternalErrorException",
]);

const FIRST_DELAY_MS = 50;
const MAX_DELAY_MS = 1_000;

/**
 * Repeats `readAndUpdate` (which takes a lock token by reading, and gives it back by updating) until nobody came in
 * between, with full jitter. Gives up `patienceMs` after the first try, with what AWS WAF said last.
 */
export async function waitForLock<T>(
  readAndUpdate: () => Promise<T>,
  patienceMs: number,
): Promise<T> {
  const giveUpAt = performance.now() + patienceMs;
  for (let failures = 0; ; failures++) {
    try {
      return await readAndUpdate();
    } catch (error) {
      const delayMs = Math.random() * Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** failures);
      const mayPass = error instanceof Error && TAKEN.has(error.name);
      if (!mayPass || performance.now() + delayMs > giveUpAt) throw error;
      await sleep(delayMs);
    }
  }
}
