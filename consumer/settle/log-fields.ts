import type { LogFields } from "../../shared/log/log.ts";
import type { Outcome } from "../../shared/model/outcome.ts";
import { traceFields } from "../../shared/model/trace.ts";
import type { Attempt } from "../execute/attempt.ts";
import type { CallTask, Chunk } from "../receive/chunk.ts";

/** What the log says of what a worker has in hand; made only for a line that is written. */

export function callFields({ call, chunk, attempts }: CallTask): LogFields {
  const { run, policy } = chunk.message;
  return { run, call: call.id, ...traceFields(policy.trace, run), chunk: chunk.key, attempts };
}

export function outcomeFields(outcome: Outcome | undefined): LogFields {
  if (outcome === undefined) return {};
  const { reason, status, latencyMs, error } = outcome;
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(status === undefined ? {} : { status }),
    ...(latencyMs === undefined ? {} : { latencyMs }),
    ...(error === undefined ? {} : { error }),
  };
}

export function endFields({ end, error }: Attempt): LogFields {
  return end?.kind === "answer"
    ? { status: end.status }
    : { end: end?.kind, ...(error === undefined ? {} : { error }) };
}

export function chunkFields({ message, key, delivery }: Chunk): LogFields {
  const { run, lane, generation, calls } = message;
  return { run, lane, generation, chunk: key, calls: calls.length, receive: delivery.receiveCount };
}
