/** A worker's part in a lane's slots, as its last lease left it. */
export interface LeaseHolder {
  readonly worker: string;
  /** How many it could use. */
  readonly wanted: number;
  /** How many it was granted. */
  readonly slots: number;
}

export interface Claimant {
  readonly worker: string;
  readonly wanted: number;
  readonly held: number;
}

/** What slots do not divide into goes to other workers after this time, so that none waits forever where slots are few. */
const TURN_MS = 5_000;

/**
 * The slots a worker gets, given the live leases of the others.
 *
 * Its share is what it wants, or an equal part of what those leave over who want less than their part. What another
 * still has of that is not handed out twice: it comes free when that one renews and gets its own, smaller share.
 * Slots in use are never taken away, whatever the share.
 */
export function grantSlots(
  claimant: Claimant,
  others: readonly LeaseHolder[],
  limit: number,
  now: number,
): number {
  const taken = others.reduce((sum, other) => sum + other.slots, 0);
  const share = fairShare(claimant, others, limit, Math.floor(now / TURN_MS));
  return Math.max(claimant.held, Math.min(share, limit - taken));
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
