import type { Answer } from "../model/answer.ts";
import type { CallState, Reason } from "../model/outcome.ts";
import type { CallRow } from "./ledger.ts";

/** A call as a store's query gives it. */
export interface StoredCall {
  readonly position: number;
  readonly id: string;
  readonly lane: string;
  readonly method: string;
  readonly url: string;
  /** The state's rank. */
  readonly state: number;
  readonly reason: Reason | null;
  readonly status: number | null;
  readonly attempts: number;
  readonly startedAt: number | null;
  readonly settledAt: number | null;
  readonly latencyMs: number | null;
  readonly error: string | null;
  readonly worker: string | null;
  /** As JSON; absent: not asked for. */
  readonly answer?: string | null;
}

const STATES: readonly CallState[] = ["pending", "cancelled", "failed", "succeeded"];

export function toCallRow(run: string, call: StoredCall): CallRow {
  return {
    run,
    id: call.id,
    lane: call.lane,
    method: call.method,
    url: call.url,
    state: STATES[call.state] ?? "pending",
    reason: call.reason,
    status: call.status,
    attempts: call.attempts,
    startedAt: toIso(call.startedAt),
    settledAt: toIso(call.settledAt),
    latencyMs: call.latencyMs,
    error: call.error,
    worker: call.worker,
    ...(call.answer === undefined ? {} : { answer: parseAnswer(call.answer) }),
  };
}

function parseAnswer(json: string | null): Answer | null {
  return json === null ? null : (JSON.parse(json) as Answer);
}

function toIso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
