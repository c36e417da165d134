import type { Call } from "../../shared/model/call.ts";
import type { CallsMessage } from "../../shared/model/message.ts";
import type { Lack } from "../auth/credentials.ts";
import type { CallTask, Chunk } from "./chunk.ts";
import type { Destinations } from "./destinations.ts";
import type { Permits } from "./permits.ts";
import type { StartMarker } from "./start-marker.ts";
import type { Waiting } from "./waiting-line.ts";

/** Why no more calls are started. */
export type Stop =
  | "nothing"
  | "marking"
  | "concurrency"
  | "total"
  | "rate"
  | "destination"
  | "credentials";

/** What starting calls needs of the lane's worker. */
export interface PumpHost {
  readonly permits: Permits;
  readonly destinations: Destinations;
  readonly marker: StartMarker;
  readonly stopping: AbortSignal;
  start(task: CallTask): void;
  /** Ends of calls taken out of their chunk without being started. */
  expire(task: CallTask): void;
  refuse(task: CallTask, lack: Lack): void;
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

/** A call that was taken out of its chunk and waits to be started. */
export function waitingOf(host: PumpHost, task: CallTask, origin: string): Waiting {
  return {
    task,
    origin,
    start: () => host.start(task),
    putBack: (due) => host.putBack(task, due),
    expire: () => host.expire(task),
    drop: () => host.drop(task),
  };
}

/** Sees off what need not start: its run has ended, or there is no time for it. False: it may. */
export function seeOff(
  pump: { returnRest(chunk: Chunk, notBefore: number, max?: number): void },
  host: PumpHost,
  chunk: Chunk,
  next: Call,
): boolean {
  const { message } = chunk;
  if (chunk.isLost || !host.allows(message)) {
    pump.returnRest(chunk, 0);
    return true;
  }
  if (host.hasTime(next, message, 0)) return false;
  // Another call of its chunk may be shorter.
  pump.returnRest(chunk, 0, 1);
  return true;
}
