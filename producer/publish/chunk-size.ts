import { CHUNK_MAX_CALLS } from "../../shared/limits.ts";
import type { Lane } from "../../shared/model/lane.ts";

/** A run's first chunks, so that all workers get some of a short run. */
const FIRST_CALLS = 5;
/** Later chunks hold this share of what the lane has been given so far: about so many chunks are always outstanding. */
const SHARE = 16;
/** What a chunk may take to work off in a lane with a rate, so that no other waits behind it for long. */
const RATE_MS = 1000;
/** Calls a slot gets from one chunk at the most, so that a narrow lane holds no chunk for long. */
export const CALLS_PER_SLOT = 4;

/** How many calls the next chunk of a lane holds, after `published` calls in this run. Pure. */
export function chunkCalls(published: number, lane: Lane): number {
  const grown = Math.max(FIRST_CALLS, Math.floor(published / SHARE));
  const byRate = lane.rate === undefined ? Infinity : (RATE_MS / lane.rate.perMs) * lane.rate.count;
  const bySlots = lane.concurrency * CALLS_PER_SLOT;
  return Math.max(1, Math.floor(Math.min(grown, byRate, bySlots, CHUNK_MAX_CALLS)));
}
