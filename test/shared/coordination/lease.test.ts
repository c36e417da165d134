import * as fc from "fast-check";
import { expect, test } from "vitest";
import { grantSlots } from "../../../shared/coordination/lease.ts";
import type { LeaseHolder } from "../../../shared/coordination/lease.ts";

/** Leases as a store keeps them: each request replaces the worker's own. */
class Leases {
  readonly #held = new Map<string, LeaseHolder & { expiresAt: number }>();
  limit: number;
  readonly ttlMs: number;

  constructor(limit: number, ttlMs = Infinity) {
    this.limit = limit;
    this.ttlMs = ttlMs;
  }

  ask(worker: string, wanted: number, held: number, now = 0): number {
    const others = this.live(now).filter((lease) => lease.worker !== worker);
    const { granted, slots } = grantSlots({ worker, wanted, held }, others, this.limit, now);
    const expiresAt = now + this.ttlMs;
    this.#held.set(worker, { worker, wanted: Math.max(wanted, held), slots, expiresAt });
    return granted;
  }

  slotsOf(worker: string): number {
    return this.#held.get(worker)?.slots ?? 0;
  }

  live(now = 0): LeaseHolder[] {
    return [...this.#held.values()].filter((lease) => lease.expiresAt > now);
  }

  total(now = 0): number {
    return this.live(now).reduce((sum, lease) => sum + lease.slots, 0);
  }
}

const workers = ["a", "b", "c", "d", "e"];
const request = fc.record({
  worker: fc.constantFrom(...workers),
  wanted: fc.nat(20),
  /** Share of what it was granted that it uses when it asks again. */
  using: fc.double({ min: 0, max: 1, noNaN: true }),
  afterMs: fc.nat(3000),
});

test("live leases never pass the limit, however they are asked for", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 30 }),
      fc.array(request, { maxLength: 40 }),
      (limit, requests) => {
        const leases = new Leases(limit);
        let now = 0;
        for (const { worker, wanted, using, afterMs } of requests) {
          now += afterMs;
          const own = leases.live(now).find((lease) => lease.worker === worker)?.slots ?? 0;
          const held = Math.floor(own * using);
          const granted = leases.ask(worker, wanted, held, now);
          expect(leases.slotsOf(worker)).toBe(Math.max(granted, held));
          expect(granted).toBeLessThanOrEqual(Math.max(wanted, held));
          expect(leases.total(now)).toBeLessThanOrEqual(limit);
        }
      },
    ),
  );
});

test("slots in use stay, even past the limit: then nobody else gets any, and nothing new starts", () => {
  const leases = new Leases(4);
  expect(leases.ask("a", 10, 6)).toBe(4);
  expect(leases.slotsOf("a")).toBe(6);
  expect(leases.ask("b", 10, 0)).toBe(0);
  expect(leases.ask("b", 10, 1)).toBe(1);
});

test("workers that want more than there is come to equal shares, with nothing left over", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.nat(100), { minLength: 5, maxLength: 5 }),
      (limit, count, early) => {
        const leases = new Leases(limit);
        const living = workers.slice(0, count);
        // One round until all know what all want, one to give back, one to take.
        living.forEach((worker, index) => leases.ask(worker, early[index]!, 0));
        for (let round = 0; round < 3; round++) {
          for (const worker of living) leases.ask(worker, 100, 0);
        }
        const shares = leases.live().map(({ slots }) => slots);
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
        expect(leases.total()).toBe(limit);
      },
    ),
  );
});

test("what a modest worker leaves goes to the others", () => {
  const leases = new Leases(10);
  for (let round = 0; round < 2; round++) {
    leases.ask("a", 2, 0);
    leases.ask("b", 100, 0);
    leases.ask("c", 100, 0);
  }
  expect(leases.live().map(({ slots }) => slots)).toEqual([2, 4, 4]);
});

test("where there are fewer slots than workers, each gets its turn", () => {
  const leases = new Leases(1);
  const served = new Set<string>();
  for (let now = 0; now < 60_000; now += 500) {
    for (const worker of workers) {
      if (leases.ask(worker, 5, 0, now) > 0) served.add(worker);
      expect(leases.total(now)).toBeLessThanOrEqual(1);
    }
  }
  expect([...served].sort()).toEqual(workers);
});

test("an expired lease comes back to the others", () => {
  const leases = new Leases(8, 1000);
  expect(leases.ask("a", 8, 0, 0)).toBe(8);
  expect(leases.ask("b", 8, 0, 999)).toBe(0);
  expect(leases.ask("b", 8, 0, 1000)).toBe(8);
});

test("workers that never pause come to equal shares as well, when others come or the limit shrinks", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 5, max: 40 }),
      fc.double({ min: 0.1, max: 1, noNaN: true }),
      fc.array(fc.nat(4), { minLength: 200, maxLength: 200 }),
      (limit, share, ends) => {
        const leases = new Leases(limit);
        const granted = new Map([["a", leases.ask("a", 100, 0)]]);
        const used = new Map(granted);
        leases.limit = limit * share;
        const whole = Math.max(1, Math.floor(leases.limit));
        // Round by round, some calls of each worker end, and as many start as it is granted.
        for (const [round, ended] of ends.entries()) {
          const worker = workers[round % workers.length]!;
          const left = Math.max(0, (used.get(worker) ?? 0) - ended);
          used.set(worker, Math.max(left, granted.get(worker) ?? 0));
          granted.set(worker, leases.ask(worker, 100, used.get(worker)!));
          expect(leases.total()).toBeLessThanOrEqual(limit);
        }
        const all = [...used.values()];
        expect(all.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(whole);
        expect(Math.max(...all) - Math.min(...all)).toBeLessThanOrEqual(1);
      },
    ),
  );
});

test("a limit with a fraction is the whole below, and one at the least", () => {
  for (const [limit, slots] of [
    [7.99, 7],
    [1.5, 1],
    [0.2, 1],
  ] as const) {
    expect(new Leases(limit).ask("a", 10, 0)).toBe(slots);
  }
});

test("without a limit, each gets what it wants", () => {
  const leases = new Leases(Infinity);
  expect([leases.ask("a", 900, 0), leases.ask("b", 5, 0)]).toEqual([900, 5]);
});
