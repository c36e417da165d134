import type { Broker } from "../../shared/broker/broker.ts";
import { failedQueue } from "../../shared/broker/broker.ts";
import type { Call } from "../../shared/model/call.ts";
import { encodeOutcomes } from "../../shared/model/encode-outcomes.ts";
import { encodeLetter } from "../../shared/model/letter.ts";
import { MESSAGE_VERSION } from "../../shared/model/message.ts";
import type { CallsMessage } from "../../shared/model/message.ts";
import type { Outcome } from "../../shared/model/outcome.ts";

/**
 * Settles a call here and now, as a worker would: the letter, then the outcome. For one that an earlier generation
 * planned and may have made, and whose result nobody saw.
 */
export async function settleUnknown(
  broker: Broker,
  call: Call,
  frame: Pick<CallsMessage, "run" | "generation" | "lane" | "policy">,
): Promise<void> {
  const { run, lane } = frame;
  const outcome: Outcome = {
    id: call.id,
    state: "failed",
    reason: "unknown",
    attempts: 1,
    settledAt: Date.now(),
    error: "the run was interrupted while it may have been under way",
  };
  const message: CallsMessage = {
    v: MESSAGE_VERSION,
    kind: "calls",
    ...frame,
    chunk: `unknown.${call.id}`,
    calls: [call],
  };
  await broker.send(failedQueue(lane), [encodeLetter(message, call, outcome)]);
  const [body = ""] = encodeOutcomes(run, lane, "resume", [outcome]);
  await broker.publish("outcomes", [{ body, attributes: { kind: "outcomes", run } }]);
}
