import type { CallRow } from "../../shared/ledger/ledger.ts";
import type { CallData } from "./report-data.ts";
import { showText } from "./show-text.ts";

const ID_LENGTH = 120;

/** A call's row, fit to be shown to anybody. */
export function showCall(call: CallRow): CallData {
  return {
    id: showText(call.id, ID_LENGTH),
    lane: call.lane,
    method: call.method,
    url: showText(call.url),
    state: call.state,
    reason: call.reason,
    status: call.status,
    attempts: call.attempts,
    startedAt: call.startedAt,
    settledAt: call.settledAt,
    latencyMs: call.latencyMs,
    error: call.error === null ? null : showText(call.error),
  };
}
