import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Rate } from "../model/lane.ts";
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
import type { DestinationRecord } from "./destination.ts";
import { createDynamoClient } from "./dynamo-client.ts";
import { StoreClock } from "./dynamo-clock.ts";
import { DynamoDocuments } from "./dynamo-documents.ts";
import { DynamoLanes } from "./dynamo-lanes.ts";
import { findTable } from "./dynamo-open.ts";
import { DynamoPatience } from "./dynamo-patience.ts";
import { DynamoRuns } from "./dynamo-runs.ts";
import type { UnusedStarts } from "./gcra.ts";
import { DynamoTable } from "./dynamo-table.ts";
import { tightestLimits } from "./lane-limits.ts";

export interface DynamoCoordinationOptions {
  /** Its shape: `COORDINATION_TABLE`. Made if it is missing, where the endpoint is not AWS's. */
  readonly table: string;
  /** A DynamoDB-compatible endpoint. Default: what the SDK finds. */
  readonly endpointUrl?: string | undefined;
  /** Default: `us-east-1` with an endpoint that is not AWS's, else what the SDK finds. */
  readonly region?: string | undefined;
  /** This machine's clock, epoch milliseconds. Default: `Date.now`. */
  readonly clock?: () => number;
  /** How long a request, or a change that others are faster with, is tried. Default 10,000 ms. */
  readonly patienceMs?: number;
}

const DEFAULT_PATIENCE_MS = 10_000;

/**
 * Coordination of workers on any number of machines, in one DynamoDB table.
 *
 * Whatever is shared is changed by a conditional write of one item, and read consistently. Units of capacity are
 * DynamoDB's: a write of 1 KB begun is 1 W, a consistent read of 4 KB begun 1 R. A write that comes too late costs as
 * much, and is made again; the read before it is left out while one process alone changes the item.
 *
 * | method | units | how often |
 * |---|---|---|
 * | `controls` | 1 R a run | four times a second a worker, and for each receive |
 * | `lanes` | 1 R for some 30 runs | twice a second a worker |
 * | `destinations` | 1 R for some 10 destinations | twice a second and more, a lane a worker |
 * | `lease` | 1 R, 1 W for 10 workers | once a second a lane (and window) a worker; while it wants more, up to 50 times |
 * | `workers`, `reserve` | 1 R for 40 workers; 1 R, 1 W | each four times a second a lane with a rate, a worker |
 * | `giveBackStarts` | 1 R, 1 W | once a lane with a rate, when a worker ends |
 * | `refuse`, `probe`, `reopen`, `grow` | 1 R, and 1 W where something changes | as the server answers |
 * | `writeCheckpoint` | 1 W for some 250 calls done | once a second a chunk; before unsafe calls, one for 8 |
 * | `readCheckpoint`, `startedUnsafe` | 1 R a checkpoint | on redelivery; on resume |
 * | `removeCheckpoints`, `setControl`, `claimLanes`, `releaseLanes` | 1 W an item | once a chunk; some times a run |
 * | `prune` | 1 R for 4 KB of the whole table, 1 W an item that goes | `senpu prune` |
 *
 * A lane's leases are one item. The 400 KB that it may have are some thousands of workers, but N workers that renew once
 * a second cost N · N / 10 W a second, and a partition gives 1,000: count on no more than 100 workers on one lane.
 *
 * Times are kept by the store's clock ({@link StoreClock}): what comes in is translated to it, what goes out, back.
 * Throws SenpuError `coordination` when the table is missing or cannot be reached.
 */
export async function openDynamoCoordination(
  options: DynamoCoordinationOptions,
): Promise<Coordination> {
  const { table, patienceMs = DEFAULT_PATIENCE_MS } = options;
  const clock = new StoreClock(options.clock);
  const client = createDynamoClient(options, clock);
  const patience = new DynamoPatience({
    patienceMs,
    store: `DynamoDB table ${table} at ${options.endpointUrl ?? "AWS"}`,
  });
  const coordination = new DynamoCoordination(
    client,
    clock,
    patience,
    new DynamoTable(client, patience, table),
  );
  try {
    await findTable(client, patience, options);
    return coordination;
  } catch (error) {
    await coordination.close();
    throw error;
  }
}

class DynamoCoordination implements Coordination {
  readonly #client: DynamoDBClient;
  readonly #clock: StoreClock;
  readonly #patience: DynamoPatience;
  readonly #table: DynamoTable;
  readonly #runs: DynamoRuns;
  readonly #lanes: DynamoLanes;

  constructor(
    client: DynamoDBClient,
    clock: StoreClock,
    patience: DynamoPatience,
    table: DynamoTable,
  ) {
    this.#client = client;
    this.#clock = clock;
    this.#patience = patience;
    this.#table = table;
    this.#runs = new DynamoRuns(table, patience);
    this.#lanes = new DynamoLanes(table, new DynamoDocuments(table, patience));
  }

  async control(run: string): Promise<RunControl | undefined> {
    return (await this.#runs.controls([run])).get(run);
  }

  controls(runs: readonly string[]): Promise<Map<string, RunControl>> {
    return this.#runs.controls(runs);
  }

  setControl(run: string, control: RunControl): Promise<void> {
    return this.#runs.setControl(run, control, this.#clock.now());
  }

  claimLanes(run: string, lanes: readonly LaneLimit[]): Promise<void> {
    return this.#runs.claim(run, lanes, this.#clock.now());
  }

  releaseLanes(run: string): Promise<void> {
    return this.#runs.release(run);
  }

  async lanes(): Promise<LaneLimit[]> {
    const limits = tightestLimits(await this.#runs.claims());
    return limits.sort((a, b) => (a.lane < b.lane ? -1 : 1));
  }

  lease(request: LeaseRequest): Promise<number> {
    return this.#lanes.lease(this.#atStore(request));
  }

  async reserve(lane: string, rate: Rate, count: number, now: number): Promise<number> {
    const firstAt = await this.#lanes.reserve(lane, rate, count, this.#clock.toStore(now));
    return this.#clock.toLocal(firstAt);
  }

  giveBackStarts(lane: string, rate: Rate, { from, until }: UnusedStarts): Promise<void> {
    const unused = { from: this.#clock.toStore(from), until: this.#clock.toStore(until) };
    return this.#lanes.giveBackStarts(lane, rate, unused);
  }

  workers(lane: string, now: number): Promise<number> {
    return this.#lanes.workers(lane, this.#clock.toStore(now));
  }

  leased(lane: string, now: number): Promise<number> {
    return this.#lanes.leased(lane, this.#clock.toStore(now));
  }

  async destinations(lane: string): Promise<Destination[]> {
    const records = await this.#lanes.destinations(lane);
    return records.map((record) => this.#fromStore(record));
  }

  async refuse(refusal: Refusal): Promise<Destination> {
    const { startedAt, until } = refusal;
    const translated: Refusal = {
      ...this.#atStore(refusal),
      startedAt: this.#clock.toStore(startedAt),
      ...(until !== undefined && { until: this.#clock.toStore(until) }),
    };
    const { after } = await this.#change(refusal, (it) => refuseDestination(it, translated));
    return this.#fromStore(after);
  }

  async probe(request: ProbeRequest): Promise<boolean> {
    const translated = this.#atStore(request);
    const { changed } = await this.#change(request, (it) => probeDestination(it, translated));
    return changed;
  }

  async reopen(lane: string, origin: string, now: number): Promise<void> {
    const storeNow = this.#clock.toStore(now);
    await this.#change({ lane, origin }, (it) => reopenDestination(it, storeNow));
  }

  async grow(growth: Growth): Promise<Destination> {
    const translated = this.#atStore(growth);
    const { after } = await this.#change(growth, (it) => growDestination(it, translated));
    return this.#fromStore(after);
  }

  readCheckpoint(chunk: string): Promise<Checkpoint | undefined> {
    return this.#runs.readCheckpoint(chunk);
  }

  writeCheckpoint(chunk: string, checkpoint: Checkpoint, now: number): Promise<boolean> {
    const { heldUntil } = checkpoint;
    const translated =
      heldUntil === undefined
        ? checkpoint
        : { ...checkpoint, heldUntil: this.#clock.toStore(heldUntil) };
    return this.#runs.writeCheckpoint(chunk, translated, this.#clock.toStore(now));
  }

  async holdChunk(request: HoldRequest): Promise<Held> {
    const now = this.#clock.toStore(request.now);
    const held = await this.#runs.holdChunk({ ...request, now });
    return held.state === "others" ? { ...held, until: this.#clock.toLocal(held.until) } : held;
  }

  endChunks(chunks: readonly string[], now: number): Promise<void> {
    return this.#runs.endChunks(chunks, this.#clock.toStore(now));
  }

  async startedUnsafe(run: string): Promise<Set<string>> {
    const checkpoints = await this.#runs.checkpoints(run);
    return new Set(checkpoints.flatMap(({ unsafe }) => unsafe ?? []));
  }

  removeCheckpoints(chunks: readonly string[]): Promise<void> {
    return this.#runs.removeCheckpoints(chunks);
  }

  async prune(before: number): Promise<void> {
    const storeBefore = this.#clock.toStore(before);
    for await (const page of this.#table.scan("looking for what is old")) {
      await this.#runs.prune(page, storeBefore);
      await this.#lanes.prune(page, storeBefore);
    }
  }

  /** Requests under way fail, and nothing is tried again. */
  async close(): Promise<void> {
    this.#patience.close();
    this.#client.destroy();
  }

  #change(
    { lane, origin }: { readonly lane: string; readonly origin: string },
    change: (record: DestinationRecord) => DestinationRecord,
  ): Promise<{ readonly after: DestinationRecord; readonly changed: boolean }> {
    return this.#lanes.changeDestination(lane, origin, change);
  }

  #atStore<T extends { readonly now: number }>(request: T): T {
    return { ...request, now: this.#clock.toStore(request.now) };
  }

  #fromStore(record: DestinationRecord): Destination {
    const told = toDestination(record);
    // Of an open one, both are 0, which is no time.
    if (told.state === "open") return told;
    return {
      ...told,
      until: this.#clock.toLocal(told.until),
      closedSince: this.#clock.toLocal(told.closedSince),
    };
  }
}
