import type { Call } from "../../shared/model/call.ts";
import type { CallsMessage } from "../../shared/model/message.ts";
import type { CallTask } from "./chunk.ts";
import type { Destinations } from "./destinations.ts";
import type { Permits } from "./permits.ts";
import type { StartMarker } from "./start-marker.ts";

/** Why no more calls are started. */
export type Stop = "nothing" | "marking" | "concurrency" | "total" | "rate" | "destination";

/** What starting calls needs of the lane's worker. */
export interface PumpHost {
  readonly permits: Permits;
  readonly destinations: Destinations;
  readonly marker: StartMarker;
  readonly stopping: AbortSignal;
  start(task: CallTask): void;
  /** Ends of calls taken out of their chunk without being started. */
  expire(task: CallTask): void;
  putBack(task: CallTask, notBefore: number): void;
  drop(task: CallTask): void;
  /** The same, straight from the chunk. */
  leave(task: CallTask, notBefore: number): void;
  allows(message: CallsMessage): boolean;
  hasTime(call: Call, message: CallsMessage, inMs: number): boolean;
  /** Is all told of what was done before? If not, `pump` is called when it is. */
  isToldOf(): boolean;
  /** Nothing more can be started now. */
  rested(): void;
}
