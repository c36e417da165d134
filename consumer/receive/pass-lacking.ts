import type { Lack } from "../auth/credentials.ts";
import type { CallTask, Chunk } from "./chunk.ts";
import { seeOff } from "./pump-host.ts";
import type { PumpHost } from "./pump-host.ts";

/** What is there sooner is waited for here, and not in the queue. */
const WAIT_MS = 5_000;

/** What is done with calls that lack something, by whoever holds them. */
export interface LackingPump {
  readonly pump: () => void;
  takeOut(chunk: Chunk): CallTask | undefined;
  returnRest(chunk: Chunk, notBefore: number, max?: number): void;
  /** What is received next goes back, too. */
  noteBarren(now: number): void;
}

/** A chunk's next call lacks something. True: it is out of the way of those behind it. */
export function passLacking(
  pump: LackingPump,
  host: PumpHost,
  chunk: Chunk,
  lack: Lack,
  now: number,
): boolean {
  const next = chunk.peek();
  if (next === undefined || seeOff(pump, host, chunk, next)) return true;
  const fate = judgeLack(chunk, lack, now);
  if (fate === "wait") {
    chunk.access?.onChange(pump.pump, now);
    return false;
  }
  if (fate === "refuse") {
    const task = pump.takeOut(chunk);
    if (task !== undefined) host.refuse(task, lack);
  } else {
    pump.noteBarren(now);
    pump.returnRest(chunk, fate);
  }
  return true;
}

/** Waited for here, until then (epoch milliseconds) in the queue, or refused, one by one. */
function judgeLack({ message }: Chunk, lack: Lack, now: number): "wait" | "refuse" | number {
  const { deadlineAt } = message.policy;
  if (lack.kind === "never" || now > deadlineAt) return "refuse";
  if (lack.kind === "coming") return "wait";
  if (lack.at > deadlineAt) return "refuse";
  return lack.at - now > WAIT_MS ? lack.at : "wait";
}
