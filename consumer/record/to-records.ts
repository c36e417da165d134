import type { LedgerRecord } from "../../shared/ledger/ledger.ts";
import { SenpuError } from "../../shared/errors.ts";
import { readAnswer } from "../../shared/model/answer.ts";
import type {
  CallsMessage,
  InvalidMessage,
  Message,
  OutcomesMessage,
} from "../../shared/model/message.ts";
import { REASONS } from "../../shared/model/outcome.ts";
import type { Outcome } from "../../shared/model/outcome.ts";

/** Who settles the calls that no worker ever sees, because they could not be made. */
const PRODUCER = "producer";

/**
 * What a message means to the ledger. `at`: epoch milliseconds at which it was sent.
 * Throws {@link SenpuError} `message` for a field that no ledger could store: one such message must not keep all the
 * others from being recorded.
 */
export function toRecords(message: Message, at: number): LedgerRecord[] {
  if (message.kind === "calls") return [toPlanned(message)];
  if (message.kind === "invalid") return settleInvalid(message, at);
  if (message.kind === "outcomes") return [toOutcomes(message)];
  const { kind, run, generation, planned } = message;
  return [{ kind, run, generation, planned }];
}

function toPlanned({ run, lane, calls }: CallsMessage): LedgerRecord {
  const planned = calls.map(({ id, method = "GET", url }) => ({ id, lane, method, url }));
  return { kind: "planned", run, calls: planned };
}

/** Planned and failed at once. */
function settleInvalid({ run, calls }: InvalidMessage, at: number): LedgerRecord[] {
  const [first] = calls;
  if (first === undefined) return [];
  const planned = calls.map(({ id, lane, method, url }) => ({ id, lane, method, url }));
  const outcomes = calls.map(({ id, error }): Outcome => ({
    id,
    state: "failed",
    reason: "invalid",
    attempts: 0,
    settledAt: at,
    error,
  }));
  return [
    { kind: "planned", run, calls: planned },
    { kind: "outcomes", run, lane: first.lane, worker: PRODUCER, outcomes },
  ];
}

/** Calls and outcomes, of which a transaction takes so many. */
export function countRecords(records: readonly LedgerRecord[]): number {
  let count = 0;
  for (const record of records) {
    if (record.kind === "planned") count += record.calls.length;
    else if (record.kind === "outcomes") count += record.outcomes.length;
    else count++;
  }
  return count;
}

function toOutcomes({ run, lane, worker, succeeded, others }: OutcomesMessage): LedgerRecord {
  const outcomes = succeeded.map(
    ([id, status, attempts, startedAt, settledAt, latencyMs]): Outcome => ({
      id,
      state: "succeeded",
      status: wholeNumber(status, "status"),
      attempts: wholeNumber(attempts, "attempts"),
      startedAt: instant(startedAt, "startedAt"),
      settledAt: instant(settledAt, "settledAt"),
      latencyMs: duration(latencyMs),
    }),
  );
  for (const other of others) outcomes.push(readOther(other));
  return { kind: "outcomes", run, lane, worker, outcomes };
}

function readOther(other: Outcome): Outcome {
  const { id, state, reason, status, attempts, startedAt, settledAt, latencyMs, error, answer } =
    other;
  if (state === "failed" && (reason === undefined || !REASONS.includes(reason))) {
    throw wrong("reason", REASONS.join(", "), reason);
  }
  if (error !== undefined && typeof error !== "string") throw wrong("error", "text", error);
  return {
    id,
    state,
    attempts: wholeNumber(attempts, "attempts"),
    settledAt: instant(settledAt, "settledAt"),
    ...(state === "failed" && reason !== undefined && { reason }),
    ...(status !== undefined && { status: wholeNumber(status, "status") }),
    ...(startedAt !== undefined && { startedAt: instant(startedAt, "startedAt") }),
    ...(latencyMs !== undefined && { latencyMs: duration(latencyMs) }),
    ...(error !== undefined && { error }),
    ...(answer !== undefined && { answer: readAnswer(answer) }),
  };
}

function wholeNumber(value: unknown, field: string): number {
  if (!Number.isSafeInteger(value) || Number(value) < 0) {
    throw wrong(field, "a whole number", value);
  }
  return Number(value);
}

/** The last instant that JavaScript can name. Source: ECMA-262, "Time Values and Time Range". */
const LAST_INSTANT = 8.64e15;

function instant(value: unknown, field: string): number {
  if (!Number.isFinite(value) || Number(value) < 0 || Number(value) > LAST_INSTANT) {
    throw wrong(field, "epoch milliseconds", value);
  }
  return Math.round(Number(value));
}

function duration(value: unknown): number {
  if (!Number.isFinite(value) || Number(value) < 0) throw wrong("latencyMs", "milliseconds", value);
  return Number(value);
}

function wrong(field: string, expected: string, found: unknown): SenpuError {
  const shown = (JSON.stringify(found) ?? "nothing").slice(0, 80);
  return new SenpuError("message", `outcome.${field} should be ${expected}, and is ${shown}`);
}
