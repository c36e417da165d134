import { randomUUID } from "node:crypto";
import type { Broker, Outgoing } from "../../../shared/broker/broker.ts";
import { MESSAGE_VERSION, encodeMessage } from "../../../shared/model/message.ts";
import type { Policy } from "../../../shared/model/policy.ts";
import { DEFAULT_MAX_RETRY_AFTER_MS } from "../../../shared/model/policy.ts";
import type { OutcomeWatch } from "./outcome-watch.ts";

/** A lane that is to make one call. */
export interface CanaryLane {
  readonly name: string;
  readonly url: string;
  /** The longest that one of its attempts may take. */
  readonly timeoutMs: number;
}

export interface CanaryResult {
  readonly lane: string;
  readonly url: string;
  /** `unseen`: no outcome within the time that was given. */
  readonly state: "succeeded" | "failed" | "cancelled" | "unseen";
  readonly status: number | null;
  readonly error: string | null;
}

export interface CanaryOptions {
  readonly broker: Broker;
  readonly watch: OutcomeWatch;
  /** From the first publish. */
  readonly patienceMs: number;
  /** A call without an outcome is published again after so long, because SNS may not have known its lane's filter. */
  readonly againMs: number;
  /** Lanes whose outcome is still waited for. */
  readonly onWaiting: (lanes: readonly string[]) => void;
  /** Internal addresses that may be called: hosts or CIDR ranges. Default: none. */
  readonly allow?: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * One GET a lane, through the topic, the lane's queue and its worker, like any other call; until each has an outcome, or
 * for `patienceMs`. What a success shows: this lane's worker took a message from the real topic, reached the address, and
 * its outcome came to where `watch` looks. It shows nothing of other addresses, of load, or of the schedule.
 *
 * A death here leaves calls that are made or not, and harm nobody: at most as many GETs as were published.
 */
export async function callLanes(
  lanes: readonly CanaryLane[],
  { broker, watch, patienceMs, againMs, onWaiting, allow = [], signal }: CanaryOptions,
): Promise<CanaryResult[]> {
  const run = `canary-${randomUUID()}`;
  const startedAt = performance.now();
  const policy = { ...POLICY, allow, deadlineAt: Date.now() + patienceMs };
  await watch.begin(run);
  try {
    let publishes = 0;
    let publishedAt = Number.NEGATIVE_INFINITY;
    for (;;) {
      const seen = publishes === 0 ? new Map() : await watch.look();
      const waiting = lanes.filter(({ name }) => !seen.has(name));
      const isOver = performance.now() - startedAt > patienceMs || signal?.aborted === true;
      if (waiting.length === 0 || isOver) {
        return lanes.map(({ name, url }) => ({
          lane: name,
          url,
          ...(seen.get(name) ?? { state: "unseen" as const, status: null, error: null }),
        }));
      }
      onWaiting(waiting.map(({ name }) => name));
      if (performance.now() - publishedAt < againMs) continue;
      const messages = waiting.map((lane) => messageFor(lane, run, publishes, policy));
      await broker.publish(
        "calls",
        publishes === 0 ? [...messages, closing(run, lanes)] : messages,
      );
      publishes++;
      publishedAt = performance.now();
    }
  } finally {
    await watch.end();
  }
}

function messageFor(
  { name, url, timeoutMs }: CanaryLane,
  run: string,
  publishes: number,
  policy: Omit<Policy, "timeoutMs">,
): Outgoing {
  const body = encodeMessage({
    v: MESSAGE_VERSION,
    kind: "calls",
    run,
    generation: 1,
    lane: name,
    chunk: `${name}-${publishes}`,
    policy: { ...policy, timeoutMs },
    calls: [{ id: name, url }],
  });
  return { body, attributes: { kind: "calls", lane: name, run } };
}

function closing(run: string, lanes: readonly CanaryLane[]): Outgoing {
  const planned = lanes.length;
  const body = encodeMessage({ v: MESSAGE_VERSION, kind: "closed", run, generation: 1, planned });
  return { body, attributes: { kind: "closed", run } };
}

/** An address that answers at the third try is good enough for a deployment. */
const POLICY: Omit<Policy, "timeoutMs" | "deadlineAt" | "allow"> = {
  retry: {
    attempts: 3,
    backoff: { firstMs: 500, factor: 2, maxMs: 5_000, jitter: "full" },
    on: [429, 502, 503, 504, "network", "timeout"],
    rules: [],
    maxRetryAfterMs: DEFAULT_MAX_RETRY_AFTER_MS,
    unsafe: false,
  },
  success: ["2xx"],
  redirects: 5,
  headers: { "user-agent": "senpu-canary" },
  breaker: null,
};
