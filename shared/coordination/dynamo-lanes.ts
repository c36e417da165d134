import type { Rate } from "../model/lane.ts";
import type { LeaseRequest } from "./coordination.ts";
import { isListed, unknownDestination } from "./destination.ts";
import type { DestinationRecord } from "./destination.ts";
import { documentOf } from "./dynamo-documents.ts";
import type { Change, DynamoDocuments } from "./dynamo-documents.ts";
import type { DynamoTable, Item, Key } from "./dynamo-table.ts";
import { giveBackStarts, intervalMs, reserveStarts } from "./gcra.ts";
import type { UnusedStarts } from "./gcra.ts";
import { grantSlots, toClaimant } from "./lease.ts";
import type { LeaseHolder } from "./lease.ts";

interface Lease extends LeaseHolder {
  readonly expiresAt: number;
}

/** Of a partition each, so that they share no partition's capacity (1,000 writes a second). */
const LEASES = "leases ";
const STARTS = "starts ";
const DESTINATIONS = "destinations ";

/** Where all of a lane's leases stand: one item of some 100 bytes a worker. */
const leasesOf = (lane: string): Key => ({ pk: `${LEASES}${lane}`, sk: "leases" });
const startsOf = (lane: string): Key => ({ pk: `${STARTS}${lane}`, sk: "starts" });

/** What workers of a lane share: slots, start times, destinations. All times are the store's. */
export class DynamoLanes {
  readonly #table: DynamoTable;
  readonly #documents: DynamoDocuments;

  constructor(table: DynamoTable, documents: DynamoDocuments) {
    this.#table = table;
    this.#documents = documents;
  }

  lease(request: LeaseRequest): Promise<number> {
    const { lane, worker, limit, ttlMs, now } = request;
    const claimant = toClaimant(request);
    return this.#documents.change<Lease[], number>(
      `leasing slots of lane ${lane}`,
      leasesOf(lane),
      (leases = []) => {
        const others = leases.filter((one) => one.worker !== worker && one.expiresAt > now);
        if (claimant.wanted === 0) {
          return others.length === leases.length ? { result: 0 } : keepLeases(others, 0);
        }
        const { granted, slots } = grantSlots(claimant, others, limit, now);
        const own = { worker, wanted: claimant.wanted, slots, expiresAt: now + ttlMs };
        return keepLeases([...others, own], granted);
      },
    );
  }

  async workers(lane: string, now: number): Promise<number> {
    return (await this.#liveLeases(lane, now)).length;
  }

  async leased(lane: string, now: number): Promise<number> {
    return (await this.#liveLeases(lane, now)).reduce((sum, { slots }) => sum + slots, 0);
  }

  async #liveLeases(lane: string, now: number): Promise<Lease[]> {
    const what = `reading leases of lane ${lane}`;
    const leases = await this.#documents.read<Lease[]>(what, leasesOf(lane));
    return leases?.filter(({ expiresAt }) => expiresAt > now) ?? [];
  }

  reserve(lane: string, rate: Rate, count: number, now: number): Promise<number> {
    return this.#documents.change<number, number>(
      `reserving start times of lane ${lane}`,
      startsOf(lane),
      (before) => {
        const { firstAt, nextAt } = reserveStarts(before, rate, count, now);
        return { result: firstAt, value: nextAt, usefulUntil: usefulUntil(nextAt, rate) };
      },
    );
  }

  giveBackStarts(lane: string, rate: Rate, unused: UnusedStarts): Promise<void> {
    return this.#documents.change<number, void>(
      `giving back start times of lane ${lane}`,
      startsOf(lane),
      (before) => {
        const nextAt = giveBackStarts(before, unused);
        if (nextAt === undefined) return { result: undefined };
        return { result: undefined, value: nextAt, usefulUntil: usefulUntil(nextAt, rate) };
      },
    );
  }

  async destinations(lane: string): Promise<DestinationRecord[]> {
    const items = await this.#table.query(
      `reading destinations of lane ${lane}`,
      `${DESTINATIONS}${lane}`,
    );
    return items.map((item) => documentOf(item) as DestinationRecord).filter(isListed);
  }

  /** Stores what `change` makes of a destination, if it is another; returns what holds now, and if that is new. */
  changeDestination(
    lane: string,
    origin: string,
    change: (record: DestinationRecord) => DestinationRecord,
  ): Promise<{ readonly after: DestinationRecord; readonly changed: boolean }> {
    return this.#documents.change<
      DestinationRecord,
      { after: DestinationRecord; changed: boolean }
    >(
      `changing destination ${origin} of lane ${lane}`,
      { pk: `${DESTINATIONS}${lane}`, sk: origin },
      (before = unknownDestination(origin)) => {
        const after = change(before);
        const changed = after !== before;
        const result = { after, changed };
        if (!changed) return { result };
        return { result, value: after, usefulUntil: Math.max(after.changedAt, after.until) };
      },
    );
  }

  /** Removes what a page of a scan holds of leases, start times and destinations without use since before `before`. */
  async prune(page: readonly Item[], before: number): Promise<void> {
    for (const item of page) {
      const pk = item["pk"]?.S ?? "";
      if (![LEASES, STARTS, DESTINATIONS].some((kind) => pk.startsWith(kind))) continue;
      await this.#documents.prune("pruning lanes", item, before);
    }
  }
}

/** Forgotten sooner, a burst that was used up would be given again. */
function usefulUntil(nextAt: number, rate: Rate): number {
  return nextAt + (rate.burst ?? 1) * intervalMs(rate);
}

function keepLeases(leases: Lease[], result: number): Change<Lease[], number> {
  const usefulUntil = leases.reduce((latest, { expiresAt }) => Math.max(latest, expiresAt), 0);
  return { result, value: leases, usefulUntil };
}
