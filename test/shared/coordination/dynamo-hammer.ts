import type { Coordination, Refusal } from "../../../shared/coordination/coordination.ts";

export interface HammerOrder {
  readonly endpointUrl: string;
  readonly what: "reserve" | "lease" | "refuse" | "probe";
  readonly worker: string;
  /** How far this process's clock is from the truth. */
  readonly shiftMs: number;
  readonly forMs: number;
}

export interface Hammered {
  /** How often it asked. */
  readonly asked: number;
  /** Start times reserved, slots granted last, probes it may make, or closings it was told of at the most. */
  readonly got: number;
}

export const LANE = "crm";
export const ORIGIN = "https://api.example.com";
export const RATE = { count: 500, perMs: 1000 };
/** Start times reserved at once. */
export const BLOCK = 3;
export const LIMIT = 10;

export const refusalAt = (startedAt: number, now: number): Refusal => ({
  lane: LANE,
  origin: ORIGIN,
  startedAt,
  effect: "closes",
  cause: "429",
  pauseMs: 60_000,
  maxPauseMs: 60_000,
  floor: 1,
  ceiling: 64,
  adapts: false,
  now,
});

/** Asks again as soon as it has been answered. */
export async function hammer(
  coordination: Coordination,
  order: HammerOrder,
  clock: () => number,
): Promise<Hammered> {
  const startedAt = clock();
  let asked = 0;
  let got = 0;
  for (; clock() - startedAt < order.forMs; asked++) {
    const now = clock();
    switch (order.what) {
      case "reserve": {
        await coordination.reserve(LANE, RATE, BLOCK, now);
        got += BLOCK;
        break;
      }
      case "lease": {
        // Wants more, then fewer, then none.
        const wanted = (asked * 7) % 12;
        const request = { lane: LANE, worker: order.worker, limit: LIMIT, ttlMs: 60_000, now };
        got = await coordination.lease({ ...request, wanted, held: 0 });
        break;
      }
      case "refuse": {
        // All of it started before any of them had heard of the first.
        const { closings } = await coordination.refuse(refusalAt(startedAt, now));
        got = Math.max(got, closings);
        break;
      }
      case "probe": {
        const request = { lane: LANE, origin: ORIGIN, worker: order.worker, ttlMs: 600_000, now };
        // Who may probe once may not again: it would only keep what it has.
        if (await coordination.probe(request)) return { asked: asked + 1, got: 1 };
        break;
      }
    }
  }
  return { asked, got };
}
