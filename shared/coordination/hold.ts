import type { Checkpoint, Held, HoldRequest } from "./coordination.ts";

/**
 * What becomes of a chunk's record when a delivery of it asks to be the one that is worked on; all adapters use it.
 * States: free → held (until its holder's time is over, then free again, with what that one left) → over.
 */
export function holdCheckpoint(
  found: Checkpoint | undefined,
  { holder, ttlMs, now }: HoldRequest,
): { readonly held: Held; readonly value?: Checkpoint } {
  if (found?.over === true) return { held: { state: "over" } };
  const heldUntil = found?.heldUntil ?? 0;
  // Asked again: the answer to the first time was lost.
  if (found !== undefined && heldUntil > now && found.holder !== holder) {
    return { held: { state: "others", until: heldUntil } };
  }
  const left = found ?? { done: [], attempts: {} };
  const value = { ...left, holder, heldUntil: now + ttlMs, revision: 0 };
  return { held: { state: "ours", checkpoint: found }, value };
}

/**
 * May it take the place of what is there? A holder's only while nobody else has taken hold of the chunk, and never that
 * of a later one: a request that was given up on may still arrive.
 */
export function mayReplace(
  found: Checkpoint | undefined,
  { holder, revision = 0 }: Checkpoint,
): boolean {
  if (holder === undefined || found === undefined) return true;
  return found.holder === holder && (found.revision ?? 0) <= revision;
}

/** What is left of a chunk that is over, so that a copy of its message is known for one. */
export const OVER: Checkpoint = { over: true, done: [], attempts: {} };
