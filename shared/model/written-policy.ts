import { DEFAULT_BREAKER, DEFAULT_MAX_RETRY_AFTER_MS } from "./policy.ts";
import type { BreakerPolicy, Policy, RetryPolicy } from "./policy.ts";

/** A policy as it is written down: without what is as by default, and as an older version of senpu wrote it. */
export type WrittenPolicy<Whole extends Pick<Policy, "retry" | "breaker">> = Omit<
  Whole,
  "retry" | "breaker"
> & {
  readonly retry: Omit<RetryPolicy, "rules" | "maxRetryAfterMs"> &
    Partial<Pick<RetryPolicy, "rules" | "maxRetryAfterMs">>;
  readonly breaker?: BreakerPolicy | null;
};

/** The policy with every field; the same object where none is missing. */
export function completePolicy<Whole extends Pick<Policy, "retry" | "breaker">>(
  written: WrittenPolicy<Whole>,
): Whole {
  const { retry, breaker = DEFAULT_BREAKER } = written;
  const { rules = [], maxRetryAfterMs = DEFAULT_MAX_RETRY_AFTER_MS } = retry;
  if (
    rules === retry.rules &&
    maxRetryAfterMs === retry.maxRetryAfterMs &&
    breaker === written.breaker
  ) {
    return written as unknown as Whole;
  }
  return { ...written, retry: { ...retry, rules, maxRetryAfterMs }, breaker } as unknown as Whole;
}

/** What {@link completePolicy} fills in again is left out, so that it makes no message bigger. */
export function abridgePolicy<Whole extends Pick<Policy, "retry" | "breaker">>(
  policy: Whole,
): WrittenPolicy<Whole> {
  const { retry, breaker, ...rest } = policy;
  const { rules, maxRetryAfterMs, ...plain } = retry;
  return {
    ...rest,
    retry: {
      ...plain,
      ...(rules.length === 0 ? {} : { rules }),
      ...(maxRetryAfterMs === DEFAULT_MAX_RETRY_AFTER_MS ? {} : { maxRetryAfterMs }),
    },
    ...(isDefaultBreaker(breaker) ? {} : { breaker }),
  };
}

function isDefaultBreaker(breaker: BreakerPolicy | null): boolean {
  return (
    breaker !== null &&
    (Object.keys(DEFAULT_BREAKER) as (keyof BreakerPolicy)[]).every(
      (field) => breaker[field] === DEFAULT_BREAKER[field],
    )
  );
}
