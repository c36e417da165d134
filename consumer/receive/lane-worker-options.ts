import type { AnswerStore } from "../../shared/answers/answer-store.ts";
import type { Broker } from "../../shared/broker/broker.ts";
import type { ClaimStore } from "../../shared/claims/claim-store.ts";
import type { Coordination, LaneLimit } from "../../shared/coordination/coordination.ts";
import type { Call } from "../../shared/model/call.ts";
import type { CallsMessage } from "../../shared/model/message.ts";
import type { AccessBook } from "../auth/access-book.ts";
import type { Meter } from "../settle/meter.ts";
import type { RunWatch } from "./run-watch.ts";
import type { Total } from "./total.ts";

/** What a lane's worker works with. */
export interface LaneWorkerOptions {
  readonly broker: Broker;
  readonly coordination: Coordination;
  readonly claims: ClaimStore;
  readonly answers: AnswerStore;
  readonly watch: RunWatch;
  /** Credentials of calls, shared by all lanes of this worker. */
  readonly accesses: AccessBook;
  readonly worker: string;
  readonly limit: LaneLimit;
  /** What all lanes of this worker share. */
  readonly total: Total;
  readonly onFailed: (error: unknown) => void;
  /** More could be taken on now. */
  readonly onRoom?: () => void;
  /** A delivery was not taken on, because a copy of it is worked on elsewhere; it comes again. */
  readonly onLeft?: (receipt: string) => void;
  /** No chunk is held any more. */
  readonly onFinished?: () => void;
  /** Is there time for an attempt that starts in `inMs` milliseconds? */
  readonly hasTime: (call: Call, message: CallsMessage, inMs: number) => boolean;
  /** Counts outcomes and attempts. Absent: nobody does. */
  readonly meter?: Meter;
  /** An attempt that is given up in the end counts as failed: a call that is always too long must not come for ever. */
  readonly countsCuts?: boolean;
}
