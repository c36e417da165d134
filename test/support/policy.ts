import type { Policy } from "../../shared/model/policy.ts";

/** A policy as an empty plan has it, with short waits. */
export function makePolicy(changes: Partial<Policy> = {}): Policy {
  return {
    timeoutMs: 2000,
    deadlineAt: Date.now() + 60_000,
    retry: {
      attempts: 5,
      backoff: { firstMs: 20, factor: 2, maxMs: 200, jitter: "full" },
      on: [408, 425, 429, 500, 502, 503, 504, "network", "timeout"],
      unsafe: false,
    },
    success: ["2xx"],
    redirects: 5,
    headers: {},
    allow: [],
    ...changes,
  };
}
