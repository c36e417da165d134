import type { Delivery, Outgoing } from "../broker/broker.ts";
import { SenpuError } from "../errors.ts";
import { toAttributeText } from "./attribute-text.ts";
import type { Call } from "./call.ts";
import { decodeMessage, encodeMessage } from "./message.ts";
import type { CallsMessage } from "./message.ts";
import { REASONS } from "./outcome.ts";
import type { Outcome, Reason } from "./outcome.ts";
import type { Policy } from "./policy.ts";

/** Characters of an attribute: enough of an error to group by, small enough for a console's list. */
const MAX_VALUE_CHARS = 200;

/**
 * A finally failed call as a message of its own, for its lane's `failed` queue.
 * The body is a calls message that holds just this call, so that it can be made again from the letter alone; it starts
 * anew, so attempts already made stand in the attributes only. The attributes say why, and where it came from.
 */
export function encodeLetter(message: CallsMessage, call: Call, outcome: Outcome): Outgoing {
  const { attempts: _attempts, startedAt: _startedAt, failures: _failures, ...fresh } = call;
  const { notBefore: _notBefore, ...envelope } = message;
  const attributes: Record<string, string> = {};
  const say = (name: string, value: string | number | undefined): void => {
    const text = value === undefined ? "" : toAttributeText(String(value), MAX_VALUE_CHARS);
    if (text !== "") attributes[name] = text;
  };
  say("run", message.run);
  say("call", call.id);
  say("lane", message.lane);
  say("reason", outcome.reason);
  say("status", outcome.status);
  say("attempts", outcome.attempts);
  say("error", outcome.error);
  say("failedAt", new Date(outcome.settledAt).toISOString());
  return { body: encodeMessage({ ...envelope, calls: [fresh] }), attributes };
}

/** A finally failed call, as its letter tells of it. */
export interface Letter {
  readonly run: string;
  readonly lane: string;
  readonly call: Call;
  readonly policy: Policy;
  readonly reason: Reason;
  /** Null where there was no answer. */
  readonly status: number | null;
  readonly attempts: number;
  /** Null where nothing was told. */
  readonly error: string | null;
  /** Epoch milliseconds. */
  readonly failedAt: number;
}

/**
 * The letter of a delivery that may come from anybody. Attributes that are missing (somebody moved a message by hand)
 * are taken for those of a call that its workers died on. Throws SenpuError `message` for what is no letter.
 */
export function decodeLetter(delivery: Pick<Delivery, "body" | "attributes" | "sentAt">): Letter {
  const message = decodeMessage(delivery.body);
  const [call, ...more] = message.kind === "calls" ? message.calls : [];
  if (message.kind !== "calls" || call === undefined || more.length > 0) {
    throw new SenpuError("message", "no letter: a letter is a calls message with one call");
  }
  const { run, lane, policy } = message;
  const { reason, status, attempts, error, failedAt } = delivery.attributes;
  return {
    run,
    lane,
    call,
    policy,
    reason: REASONS.find((each) => each === reason) ?? "abandoned",
    status: status === undefined ? null : numberOr(status, null),
    attempts: numberOr(attempts, 0),
    error: error ?? null,
    failedAt:
      failedAt === undefined ? delivery.sentAt : numberOr(Date.parse(failedAt), delivery.sentAt),
  };
}

function numberOr<Other>(value: string | number | undefined, other: Other): number | Other {
  const number = Number(value);
  return Number.isFinite(number) ? number : other;
}
