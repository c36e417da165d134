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
  const value = { ...(found ?? { done: [], attempts: {} }), holder, heldUntil: now + ttlMs };
  return { held: { state: "ours", checkpoint: found }, value };
}

/** May it take the place of what is there? A holder's only while nobody else has taken hold of the chunk. */
export function mayReplace(found: Checkpoint | undefined, { holder }: Checkpoint): boolean {
  return holder === undefined || found === undefined || found.holder === holder;
}

/** What is left of a chunk that is over, so that a copy of its message is known for one. */
export const OVER: Checkpoint = { over: true, done: [], attempts: {} };
