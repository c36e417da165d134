import type { Answer } from "./answer.ts";

/** Why a call has finally failed. The words are the contract's. */
export const REASONS = [
  "rejected", // an answer that is neither success nor retried
  "exhausted", // attempts used up
  "expired", // deadline passed
  "unknown", // an unsafe call whose result nobody saw
  "abandoned", // its worker died on it, repeatedly
  "invalid", // could not be made: bad row, bad URL
  "blocked", // an address that may not be called
] as const;
export type Reason = (typeof REASONS)[number];

export type SettledState = "succeeded" | "failed" | "cancelled";
/** `pending`: planned, without an outcome yet. */
export type CallState = SettledState | "pending";

/** A later outcome replaces an earlier one only if it ranks higher. */
export const RANK: Readonly<Record<CallState, number>> = {
  pending: 0,
  cancelled: 1,
  failed: 2,
  succeeded: 3,
};

/** The final record of a call. */
export interface Outcome {
  readonly id: string;
  readonly state: SettledState;
  /** Only when failed. */
  readonly reason?: Reason;
  /** HTTP status of the last answer; absent when there was none. */
  readonly status?: number;
  /** HTTP tries in all, over all deliveries that are known of. */
  readonly attempts: number;
  /** Epoch milliseconds of the first attempt; absent when none was made. */
  readonly startedAt?: number;
  /** Epoch milliseconds. */
  readonly settledAt: number;
  /** Of the last attempt, in milliseconds; absent when none was made. */
  readonly latencyMs?: number;
  /** One line, for a person. */
  readonly error?: string;
  /** What was kept of the last answer, where the policy asks for it. A recorder that does not know it leaves it out. */
  readonly answer?: Answer;
}
