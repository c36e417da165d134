import { randomBytes } from "node:crypto";
import type { Delayed } from "../../shared/broker/broker.ts";
import { SQS_MAX_DELAY_SECONDS } from "../../shared/limits.ts";
import type { Call } from "../../shared/model/call.ts";
import { encodeMessage } from "../../shared/model/message.ts";
import type { CallsMessage } from "../../shared/model/message.ts";
import type { CallTask } from "../receive/chunk.ts";

interface PutBack {
  readonly task: CallTask;
  /** Epoch milliseconds. */
  readonly notBefore: number;
}

/**
 * The messages that put calls back into their lane queue, with the attempts they have used: calls of one chunk that are
 * due in the same second share one. `now`: epoch milliseconds.
 */
export function encodePutBack(putBack: readonly PutBack[], now: number): Delayed[] {
  const groups = new Map<string, PutBack[]>();
  for (const entry of putBack) {
    const key = `${entry.task.chunk.key} ${Math.ceil(entry.notBefore / 1000)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [entry]);
    else group.push(entry);
  }
  return [...groups.values()].map((group) => {
    const notBefore = Math.max(...group.map((entry) => entry.notBefore));
    const first = group[0] as PutBack;
    return delayedMessage(
      first.task.chunk.message,
      group.map(({ task }) => withAttempts(task)),
      notBefore,
      now,
    );
  });
}

/** Calls of a message as a message of their own, delayed until `notBefore`, as far as SQS can delay at once. */
export function delayedMessage(
  origin: CallsMessage,
  calls: readonly Call[],
  notBefore: number,
  now: number,
): Delayed {
  const body = encodeMessage({ ...origin, chunk: newChunkName(origin.chunk), calls, notBefore });
  return { body, attributes: callsAttributes(origin), delaySeconds: delaySeconds(notBefore, now) };
}

/** Whole seconds, rounded up, and no more than SQS takes; who receives it early puts it back once more. */
function delaySeconds(notBefore: number, now: number): number {
  return Math.min(SQS_MAX_DELAY_SECONDS, Math.max(0, Math.ceil((notBefore - now) / 1000)));
}

function callsAttributes(message: CallsMessage): Record<string, string> {
  return { kind: "calls", lane: message.lane, run: message.run };
}

/** The call with what has been tried of it so far. */
export function withAttempts({ call, attempts, startedAt, failures }: CallTask): Call {
  if (attempts === 0) return call;
  return {
    ...call,
    attempts,
    ...(startedAt === 0 ? {} : { startedAt }),
    ...(failures === undefined ? {} : { failures }),
  };
}

/** Told apart from its origin and from every other part of it, because a checkpoint counts calls by index. */
function newChunkName(origin: string): string {
  const [base] = origin.split(".", 1);
  return `${base}.${randomBytes(6).toString("base64url")}`;
}
