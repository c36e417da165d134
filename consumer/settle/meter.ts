import type { Outcome } from "../../shared/model/outcome.ts";
import type { Attempt } from "../execute/attempt.ts";

/** Counts what a lane's worker does. Called for each call and attempt: it must not throw, and does nothing but count. */
export interface Meter {
  /** A call has ended here. */
  settled(outcome: Outcome): void;
  /** An HTTP try has ended, however. */
  over(attempt: Attempt): void;
}
