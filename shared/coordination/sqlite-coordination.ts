import type { Rate } from "../model/lane.ts";
import { SqliteFile } from "../sqlite-file.ts";
import { giveSpaceBack } from "../sqlite-space.ts";
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
import {
  growDestination,
  probeDestination,
  refuseDestination,
  reopenDestination,
  toDestination,
} from "./destination.ts";
import { giveBackStarts, reserveStarts } from "./gcra.ts";
import type { UnusedStarts } from "./gcra.ts";
import { tightestLimits } from "./lane-limits.ts";
import { grantSlots, toClaimant } from "./lease.ts";
import type { LeaseHolder } from "./lease.ts";
import { changeDestination, forgetDestinations, listDestinations } from "./sqlite-destinations.ts";
import { SqliteCheckpoints } from "./sqlite-checkpoints.ts";
import { COORDINATION_SCHEMA } from "./sqlite-schema.ts";

/**
 * Coordination of the processes of one machine in one SQLite file, made if it is missing.
 * What was written survives the death of the process, though not surely a power cut: no call is lost by that.
 */
export function openSqliteCoordination(path: string, clock: () => number = Date.now): Coordination {
  const file = new SqliteFile({
    path,
    code: "coordination",
    durability: "normal",
    schema: COORDINATION_SCHEMA,
  });
  return new SqliteCoordination(file, clock);
}

class SqliteCoordination implements Coordination {
  readonly #file: SqliteFile;
  readonly #checkpoints: SqliteCheckpoints;
  readonly #clock: () => number;

  constructor(file: SqliteFile, clock: () => number) {
    this.#file = file;
    this.#checkpoints = new SqliteCheckpoints(file);
    this.#clock = clock;
  }

  async control(run: string): Promise<RunControl | undefined> {
    const row = this.#file.read(() =>
      this.#file.prepare("SELECT generation, state FROM controls WHERE run = ?").get(run),
    );
    return row && ({ ...row } as unknown as RunControl);
  }

  async controls(runs: readonly string[]): Promise<Map<string, RunControl>> {
    const rows = this.#file.read(
      () =>
        this.#file
          .prepare(
            "SELECT run, generation, state FROM controls WHERE run IN (SELECT value FROM json_each(?))",
          )
          .all(JSON.stringify(runs)) as unknown as (RunControl & { run: string })[],
    );
    return new Map(rows.map(({ run, generation, state }) => [run, { generation, state }]));
  }

  async setControl(run: string, { generation, state }: RunControl): Promise<void> {
    this.#file.write(() =>
      this.#file
        .prepare(
          `INSERT INTO controls (run, generation, state, at) VALUES (?, ?, ?, ?)
           ON CONFLICT (run) DO UPDATE SET generation = excluded.generation, state = excluded.state, at = excluded.at
           WHERE excluded.generation >= generation`,
        )
        .run(run, generation, state, this.#clock()),
    );
  }

  async claimLanes(run: string, lanes: readonly LaneLimit[]): Promise<void> {
    this.#file.write(() => {
      this.#forgetClaims(run);
      const claim = this.#file.prepare(
        `INSERT INTO claims (run, lane, concurrency, min_concurrency, rate_count, rate_per_ms, rate_burst)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
      );
      for (const { lane, concurrency, minConcurrency = null, rate } of lanes) {
        const { count = null, perMs = null, burst = null } = rate ?? {};
        claim.run(run, lane, concurrency, minConcurrency, count, perMs, burst);
      }
    });
  }

  async releaseLanes(run: string): Promise<void> {
    this.#file.write(() => this.#forgetClaims(run));
  }

  #forgetClaims(run: string): void {
    this.#file.prepare("DELETE FROM claims WHERE run = ?").run(run);
  }

  async lanes(): Promise<LaneLimit[]> {
    const rows = this.#file.read(
      () =>
        this.#file
          .prepare(
            `SELECT lane, concurrency, min_concurrency AS minConcurrency,
               rate_count AS count, rate_per_ms AS perMs, rate_burst AS burst
             FROM claims ORDER BY lane`,
          )
          .all() as unknown as ClaimRow[],
    );
    return tightestLimits(rows.map(toLaneLimit));
  }

  async lease(request: LeaseRequest): Promise<number> {
    const { lane, worker, limit, ttlMs, now } = request;
    const claimant = toClaimant(request);
    return this.#file.write(() => {
      if (claimant.wanted === 0) {
        this.#file.prepare("DELETE FROM leases WHERE lane = ? AND worker = ?").run(lane, worker);
        return 0;
      }
      const others = this.#file
        .prepare(
          "SELECT worker, wanted, slots FROM leases WHERE lane = ? AND worker <> ? AND expires_at > ?",
        )
        .all(lane, worker, now) as unknown as LeaseHolder[];
      const { granted, slots } = grantSlots(claimant, others, limit, now);
      this.#file
        .prepare(
          `INSERT INTO leases (lane, worker, wanted, slots, expires_at) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (lane, worker) DO UPDATE
             SET wanted = excluded.wanted, slots = excluded.slots, expires_at = excluded.expires_at`,
        )
        .run(lane, worker, claimant.wanted, slots, now + ttlMs);
      return granted;
    });
  }

  async reserve(lane: string, rate: Rate, count: number, now: number): Promise<number> {
    return this.#file.write(() => {
      const row = this.#file.prepare("SELECT next_at FROM starts WHERE lane = ?").get(lane);
      const before = row?.["next_at"] as number | undefined;
      const { firstAt, nextAt } = reserveStarts(before, rate, count, now);
      this.#file
        .prepare(
          `INSERT INTO starts (lane, next_at) VALUES (?, ?)
           ON CONFLICT (lane) DO UPDATE SET next_at = excluded.next_at`,
        )
        .run(lane, nextAt);
      return firstAt;
    });
  }

  async giveBackStarts(lane: string, _rate: Rate, unused: UnusedStarts): Promise<void> {
    this.#file.write(() => {
      const row = this.#file.prepare("SELECT next_at FROM starts WHERE lane = ?").get(lane);
      const nextAt = giveBackStarts(row?.["next_at"] as number | undefined, unused);
      if (nextAt === undefined) return;
      this.#file.prepare("UPDATE starts SET next_at = ? WHERE lane = ?").run(nextAt, lane);
    });
  }

  async workers(lane: string, now: number): Promise<number> {
    const row = this.#file.read(() =>
      this.#file
        .prepare("SELECT COUNT(*) AS count FROM leases WHERE lane = ? AND expires_at > ?")
        .get(lane, now),
    );
    return Number(row?.["count"]);
  }

  async leased(lane: string, now: number): Promise<number> {
    const row = this.#file.read(() =>
      this.#file
        .prepare("SELECT SUM(slots) AS slots FROM leases WHERE lane = ? AND expires_at > ?")
        .get(lane, now),
    );
    return Number(row?.["slots"] ?? 0);
  }

  async destinations(lane: string): Promise<Destination[]> {
    return listDestinations(this.#file, lane);
  }

  async refuse(refusal: Refusal): Promise<Destination> {
    const { after } = changeDestination(this.#file, refusal.lane, refusal.origin, (record) =>
      refuseDestination(record, refusal),
    );
    return toDestination(after);
  }

  async probe(request: ProbeRequest): Promise<boolean> {
    const { changed } = changeDestination(this.#file, request.lane, request.origin, (record) =>
      probeDestination(record, request),
    );
    return changed;
  }

  async reopen(lane: string, origin: string, now: number): Promise<void> {
    changeDestination(this.#file, lane, origin, (record) => reopenDestination(record, now));
  }

  async grow(growth: Growth): Promise<Destination> {
    const { after } = changeDestination(this.#file, growth.lane, growth.origin, (record) =>
      growDestination(record, growth),
    );
    return toDestination(after);
  }

  async readCheckpoint(chunk: string): Promise<Checkpoint | undefined> {
    return this.#checkpoints.read(chunk);
  }

  async writeCheckpoint(chunk: string, checkpoint: Checkpoint, now: number): Promise<boolean> {
    return this.#checkpoints.write(chunk, checkpoint, now);
  }

  async holdChunk(request: HoldRequest): Promise<Held> {
    return this.#checkpoints.hold(request);
  }

  async endChunks(chunks: readonly string[], now: number): Promise<void> {
    this.#checkpoints.end(chunks, now);
  }

  async startedUnsafe(run: string): Promise<Set<string>> {
    return this.#checkpoints.startedUnsafe(run);
  }

  async removeCheckpoints(chunks: readonly string[]): Promise<void> {
    this.#checkpoints.remove(chunks);
  }

  async prune(before: number): Promise<void> {
    this.#file.write(() => {
      const old = this.#file.prepare("DELETE FROM controls WHERE at < ? RETURNING run").all(before);
      for (const { run } of old) this.#forgetClaims(String(run));
      this.#file.prepare("DELETE FROM checkpoints WHERE at < ?").run(before);
      this.#file.prepare("DELETE FROM leases WHERE expires_at <= ?").run(before);
      forgetDestinations(this.#file, before);
    });
    await giveSpaceBack(this.#file);
  }

  async close(): Promise<void> {
    this.#file.close();
  }
}

interface ClaimRow {
  readonly lane: string;
  readonly concurrency: number;
  readonly minConcurrency: number | null;
  readonly count: number | null;
  readonly perMs: number | null;
  readonly burst: number | null;
}

function toLaneLimit(row: ClaimRow): LaneLimit {
  const { lane, concurrency, minConcurrency, count, perMs, burst } = row;
  return {
    lane,
    concurrency,
    ...(minConcurrency !== null && { minConcurrency }),
    ...(count !== null &&
      perMs !== null && { rate: { count, perMs, ...(burst !== null && { burst }) } }),
  };
}
