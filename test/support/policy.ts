import { DEFAULT_BREAKER, DEFAULT_MAX_RETRY_AFTER_MS } from "../../shared/model/policy.ts";
import type { Policy } from "../../shared/model/policy.ts";

/** Where the servers of tests listen; without it no plan may call them. */
export const THIS_MACHINE: readonly string[] = ["127.0.0.1", "::1", "localhost"];

/** A policy as an empty plan has it, with short waits. */
export function makePolicy(changes: Partial<Policy> = {}): Policy {
  return {
    timeoutMs: 2000,
    deadlineAt: Date.now() + 60_000,
    retry: {
      attempts: 5,
      backoff: { firstMs: 20, factor: 2, maxMs: 200, jitter: "full" },
      on: [408, 425, 429, 500, 502, 503, 504, "network", "timeout"],
      rules: [],
      maxRetryAfterMs: DEFAULT_MAX_RETRY_AFTER_MS,
      unsafe: false,
    },
    success: ["2xx"],
    redirects: 5,
    headers: {},
    allow: THIS_MACHINE,
    breaker: DEFAULT_BREAKER,
    ...changes,
  };
}
