import type { LeaseRequest } from "./coordination.ts";

/** A worker's part in a lane's slots, as its last lease left it. */
export interface LeaseHolder {
  readonly worker: string;
  /** How many it could use. */
  readonly wanted: number;
  /** How many it was granted, or still used where those were more. */
  readonly slots: number;
}

export interface Grant {
  /** What the worker is told. Less than it holds: nothing new starts until it holds fewer. */
  readonly granted: number;
  /** What nobody else may have meanwhile: to be stored. */
  readonly slots: number;
}

export interface Claimant {
  readonly worker: string;
  readonly wanted: number;
  readonly held: number;
}

/** What slots do not divide into goes to other workers after this time, so that none waits forever where slots are few. */
const TURN_MS = 5_000;

/** What a request asks for, in whole slots. */
export function toClaimant({ worker, wanted, held }: LeaseRequest): Claimant {
  return { worker, wanted: Math.max(Math.ceil(wanted), held), held };
}

/**
 * The slots a worker gets, given the live leases of the others.
 *
 * Its share is what it wants, or an equal part of what those leave over who want less than their part. What another
 * still has of that is not handed out twice: it comes free when that one renews and gets its own, smaller share.
 * Slots in use are never taken away: a worker that uses more than its share, because others have come or the limit has
 * shrunk, is granted only the share, so that it starts nothing until calls enough have ended; else it never would come down.
 * A limit with a fraction counts as the whole below, and as 1 at the least, so that a narrow window stops nobody for good.
 */
export function grantSlots(
  claimant: Claimant,
  others: readonly LeaseHolder[],
  limit: number,
  now: number,
): Grant {
  const whole = Math.max(1, Math.floor(limit));
  const taken = others.reduce((sum, other) => sum + other.slots, 0);
  const share = fairShare(claimant, others, whole, Math.floor(now / TURN_MS));
  const granted = Math.min(share, Math.max(claimant.held, whole - taken));
  return { granted, slots: Math.max(claimant.held, granted) };
}

function fairShare(
  claimant: Claimant,
  others: readonly LeaseHolder[],
  limit: number,
  turn: number,
): number {
  const own = { worker: claimant.worker, wanted: Math.max(claimant.wanted, claimant.held) };
  const modestFirst = [own, ...others].sort((a, b) => a.wanted - b.wanted);
  let left = limit;
  let sharing = modestFirst.length;
  for (const { worker, wanted } of modestFirst) {
    if (wanted * sharing > left) break;
    if (worker === own.worker) return wanted;
    left -= wanted;
    sharing--;
  }
  // The rest want more than an equal part, the claimant among them.
  const names = modestFirst
    .slice(modestFirst.length - sharing)
    .map(({ worker }) => worker)
    .sort();
  const place = (names.indexOf(own.worker) + turn) % sharing;
  return Math.floor(left / sharing) + (place < left % sharing ? 1 : 0);
}
