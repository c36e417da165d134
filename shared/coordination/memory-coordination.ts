import type {
  Checkpoint,
  Coordination,
  LaneLimit,
  LeaseRequest,
  RunControl,
} from "./coordination.ts";
import type { Rate } from "../model/lane.ts";
import { reserveStarts } from "./gcra.ts";
import { tightestLimits } from "./lane-limits.ts";
import { grantSlots } from "./lease.ts";
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
    const { lane, worker, held, limit, ttlMs, now } = request;
    const leases = this.#liveLeases(lane, now);
    leases.delete(worker);
    const wanted = Math.max(request.wanted, held);
    if (wanted === 0) return 0;
    const slots = grantSlots({ worker, wanted, held }, [...leases.values()], limit, now);
    leases.set(worker, { worker, wanted, slots, expiresAt: now + ttlMs });
    return slots;
  }

  async reserve(lane: string, rate: Rate, count: number, now: number): Promise<number> {
    const { firstAt, nextAt } = reserveStarts(this.#nextStarts.get(lane), rate, count, now);
    this.#nextStarts.set(lane, nextAt);
    return firstAt;
  }

  async workers(lane: string, now: number): Promise<number> {
    return this.#liveLeases(lane, now).size;
  }

  async readCheckpoint(chunk: string): Promise<Checkpoint | undefined> {
    return this.#checkpoints.get(chunk)?.checkpoint;
  }

  async writeCheckpoint(chunk: string, checkpoint: Checkpoint, now: number): Promise<void> {
    this.#checkpoints.set(chunk, { checkpoint: structuredClone(checkpoint), at: now });
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
