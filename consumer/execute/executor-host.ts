import type { AnswerPolicy } from "../../shared/model/answer-policy.ts";
import type { Call } from "../../shared/model/call.ts";
import type { Outcome } from "../../shared/model/outcome.ts";
import type { AnswerReader, StagedAnswer } from "../answer/answer-reader.ts";
import type { CallTask } from "../receive/chunk.ts";
import type { Attempt } from "./attempt.ts";

/** What a call that wants to be tried again gets: a slot, or the time (epoch milliseconds) until which it is put back. */
export type SlotAnswer = "taken" | "expired" | "dropped" | number;

/** Calls whose attempt was cut when their worker ended, by what became of them. */
export interface CutCalls {
  putBack: number;
  unknown: number;
}

/** Where calls come from and go to, as far as executing them is concerned. */
export interface ExecutorHost {
  /** Resolves once the call may be tried again, with all taken that it takes; or with what is to become of it instead. */
  slot(task: CallTask, origin: string): Promise<SlotAnswer>;
  /** Gives back what was taken for a call that was not tried. */
  give(task: CallTask): void;
  /** An attempt has ended: the same, and what it says of its destination. */
  over(task: CallTask, attempt: Attempt): void;
  /** The call with what it left in the claim store. */
  whole(task: CallTask): Promise<Call>;
  /** May the call still be made? */
  allows(task: CallTask): boolean;
  /** Is there time for an attempt that starts in so many milliseconds? */
  hasTime(task: CallTask, inMs: number): boolean;
  settle(task: CallTask, outcome: Outcome, staged?: StagedAnswer): void;
  /** Readers for the call's answers. */
  reading(task: CallTask, answers: AnswerPolicy): () => AnswerReader;
  putBack(task: CallTask, notBefore: number): void;
  drop(task: CallTask): void;
  /** An attempt was cut, because its worker ends: the call is `unknown` now, or is put back. */
  noteCut(isUnknown: boolean): void;
  /** The worker cannot go on. */
  failed(error: unknown): void;
  /** Aborted when the worker stops: waits end, and their calls are put back. */
  readonly stopping: AbortSignal;
}
