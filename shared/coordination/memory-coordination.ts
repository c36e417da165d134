import type {
  Checkpoint,
  Coordination,
  Destination,
  Growth,
  LaneLimit,
  LeaseRequest,
  ProbeRequest,
  Refusal,
  RunControl,
  Held,
  HoldRequest,
} from "./coordination.ts";
import type { Rate } from "../model/lane.ts";
import {
  growDestination,
  isForgettable,
  isListed,
  probeDestination,
  refuseDestination,
  reopenDestination,
  toDestination,
  unknownDestination,
} from "./destination.ts";
import type { DestinationRecord } from "./destination.ts";
import { giveBackStarts, reserveStarts } from "./gcra.ts";
import type { UnusedStarts } from "./gcra.ts";
import { tightestLimits } from "./lane-limits.ts";
import { OVER, holdCheckpoint, mayReplace } from "./hold.ts";
import { grantSlots, toClaimant } from "./lease.ts";
import type { LeaseHolder } from "./lease.ts";

/** Coordination within one process, for tests: it ends with the process, and nobody else can reach it. */
export function createMemoryCoordination(clock: () => number = Date.now): Coordination {
  return new MemoryCoordination(clock);
}

interface Lease extends LeaseHolder {
  readonly expiresAt: number;
}

class MemoryCoordination implements Coordination {
  readonly #clock: () => number;
  readonly #controls = new Map<string, { control: RunControl; at: number }>();
  readonly #claims = new Map<string, readonly LaneLimit[]>();
  /** By lane, then by worker. */
  readonly #leases = new Map<string, Map<string, Lease>>();
  readonly #nextStarts = new Map<string, number>();
  /** By lane, then by origin. */
  readonly #destinations = new Map<string, Map<string, DestinationRecord>>();
  readonly #checkpoints = new Map<string, { checkpoint: Checkpoint; at: number }>();

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  async control(run: string): Promise<RunControl | undefined> {
    return this.#controls.get(run)?.control;
  }

  async controls(runs: readonly string[]): Promise<Map<string, RunControl>> {
    const found = new Map<string, RunControl>();
    for (const run of runs) {
      const entry = this.#controls.get(run);
      if (entry) found.set(run, entry.control);
    }
    return found;
  }

  async setControl(run: string, control: RunControl): Promise<void> {
    const before = this.#controls.get(run)?.control;
    if (before !== undefined && before.generation > control.generation) return;
    this.#controls.set(run, { control: { ...control }, at: this.#clock() });
  }

  async claimLanes(run: string, lanes: readonly LaneLimit[]): Promise<void> {
    this.#claims.set(run, [...lanes]);
  }

  async releaseLanes(run: string): Promise<void> {
    this.#claims.delete(run);
  }

  async lanes(): Promise<LaneLimit[]> {
    const limits = tightestLimits([...this.#claims.values()].flat());
    return limits.sort((a, b) => (a.lane < b.lane ? -1 : 1));
  }

  async lease(request: LeaseRequest): Promise<number> {
    const { lane, worker, limit, ttlMs, now } = request;
    const claimant = toClaimant(request);
    const leases = this.#liveLeases(lane, now);
    leases.delete(worker);
    if (claimant.wanted === 0) return 0;
    const { granted, slots } = grantSlots(claimant, [...leases.values()], limit, now);
    leases.set(worker, { worker, wanted: claimant.wanted, slots, expiresAt: now + ttlMs });
    return granted;
  }

  async reserve(lane: string, rate: Rate, count: number, now: number): Promise<number> {
    const { firstAt, nextAt } = reserveStarts(this.#nextStarts.get(lane), rate, count, now);
    this.#nextStarts.set(lane, nextAt);
    return firstAt;
  }

  async giveBackStarts(lane: string, _rate: Rate, unused: UnusedStarts): Promise<void> {
    const nextAt = giveBackStarts(this.#nextStarts.get(lane), unused);
    if (nextAt !== undefined) this.#nextStarts.set(lane, nextAt);
  }

  async workers(lane: string, now: number): Promise<number> {
    return this.#liveLeases(lane, now).size;
  }

  async leased(lane: string, now: number): Promise<number> {
    return this.#liveLeases(lane, now)
      .values()
      .reduce((sum, { slots }) => sum + slots, 0);
  }

  async destinations(lane: string): Promise<Destination[]> {
    return this.#destinationsOf(lane).values().filter(isListed).map(toDestination).toArray();
  }

  async refuse(refusal: Refusal): Promise<Destination> {
    const { after } = this.#change(refusal.lane, refusal.origin, (record) =>
      refuseDestination(record, refusal),
    );
    return toDestination(after);
  }

  async probe(request: ProbeRequest): Promise<boolean> {
    const { changed } = this.#change(request.lane, request.origin, (record) =>
      probeDestination(record, request),
    );
    return changed;
  }

  async reopen(lane: string, origin: string, now: number): Promise<void> {
    this.#change(lane, origin, (record) => reopenDestination(record, now));
  }

  async grow(growth: Growth): Promise<Destination> {
    const { after } = this.#change(growth.lane, growth.origin, (record) =>
      growDestination(record, growth),
    );
    return toDestination(after);
  }

  #change(
    lane: string,
    origin: string,
    change: (record: DestinationRecord) => DestinationRecord,
  ): { after: DestinationRecord; changed: boolean } {
    const destinations = this.#destinationsOf(lane);
    const before = destinations.get(origin) ?? unknownDestination(origin);
    const after = change(before);
    const changed = after !== before;
    if (changed) destinations.set(origin, after);
    return { after, changed };
  }

  #destinationsOf(lane: string): Map<string, DestinationRecord> {
    const destinations = this.#destinations.get(lane) ?? new Map<string, DestinationRecord>();
    this.#destinations.set(lane, destinations);
    return destinations;
  }

  async readCheckpoint(chunk: string): Promise<Checkpoint | undefined> {
    return this.#checkpoints.get(chunk)?.checkpoint;
  }

  async writeCheckpoint(chunk: string, checkpoint: Checkpoint, now: number): Promise<boolean> {
    if (!mayReplace(this.#checkpoints.get(chunk)?.checkpoint, checkpoint)) return false;
    this.#checkpoints.set(chunk, { checkpoint: structuredClone(checkpoint), at: now });
    return true;
  }

  async holdChunk(request: HoldRequest): Promise<Held> {
    const { chunk, now } = request;
    const { held, value } = holdCheckpoint(this.#checkpoints.get(chunk)?.checkpoint, request);
    if (value !== undefined) this.#checkpoints.set(chunk, { checkpoint: value, at: now });
    return held;
  }

  async endChunks(chunks: readonly string[], now: number): Promise<void> {
    for (const chunk of chunks) this.#checkpoints.set(chunk, { checkpoint: OVER, at: now });
  }

  async startedUnsafe(run: string): Promise<Set<string>> {
    const own = [...this.#checkpoints].filter(([chunk]) => chunk.startsWith(`${run}/`));
    return new Set(own.flatMap(([, { checkpoint }]) => checkpoint.unsafe ?? []));
  }

  async removeCheckpoints(chunks: readonly string[]): Promise<void> {
    for (const chunk of chunks) this.#checkpoints.delete(chunk);
  }

  async prune(before: number): Promise<void> {
    for (const [run, { at }] of this.#controls) {
      if (at >= before) continue;
      this.#controls.delete(run);
      this.#claims.delete(run);
    }
    for (const [chunk, { at }] of this.#checkpoints) {
      if (at < before) this.#checkpoints.delete(chunk);
    }
    for (const lane of this.#leases.keys()) this.#liveLeases(lane, before);
    for (const destinations of this.#destinations.values()) {
      for (const [origin, record] of destinations) {
        if (isForgettable(record, before)) destinations.delete(origin);
      }
    }
  }

  async close(): Promise<void> {
    this.#leases.clear();
  }

  /** Forgets the expired ones. */
  #liveLeases(lane: string, now: number): Map<string, Lease> {
    const leases = this.#leases.get(lane) ?? new Map<string, Lease>();
    this.#leases.set(lane, leases);
    for (const [worker, { expiresAt }] of leases) {
      if (expiresAt <= now) leases.delete(worker);
    }
    return leases;
  }
}
