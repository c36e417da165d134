import { MESSAGE_VERSION } from "../../../shared/model/message.ts";
import type {
  CallsMessage,
  ClosedMessage,
  OutcomesMessage,
} from "../../../shared/model/message.ts";
import type { Outcome } from "../../../shared/model/outcome.ts";
import { T0 } from "../../conformance/ledger-records.ts";
import { makePolicy } from "../../support/policy.ts";

/** Test data: messages as the producer and workers send them. */

const POLICY = makePolicy({ deadlineAt: T0 + 86_400_000 });

export function callsMessage(
  run: string,
  ids: readonly string[],
  more: Partial<CallsMessage> = {},
): CallsMessage {
  return {
    v: MESSAGE_VERSION,
    kind: "calls",
    run,
    generation: 1,
    lane: "default",
    chunk: ids.join(),
    policy: POLICY,
    calls: ids.map((id) => ({ id, url: `https://api.example.com/${id}` })),
    ...more,
  };
}

export function outcomesMessage(run: string, ...others: Outcome[]): OutcomesMessage {
  return {
    v: MESSAGE_VERSION,
    kind: "outcomes",
    run,
    worker: "w1",
    lane: "default",
    succeeded: [],
    others,
  };
}

export function closedMessage(run: string, planned: number): ClosedMessage {
  return { v: MESSAGE_VERSION, kind: "closed", run, generation: 1, planned };
}
