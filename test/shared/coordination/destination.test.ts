import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Growth, Refusal, WindowBounds } from "../../../shared/coordination/coordination.ts";
import {
  growDestination,
  isForgettable,
  probeDestination,
  refuseDestination,
  reopenDestination,
  unknownDestination,
} from "../../../shared/coordination/destination.ts";
import type { DestinationRecord } from "../../../shared/coordination/destination.ts";
import { simulateWindow } from "./simulate-window.ts";

const T0 = 1_785_542_400_000;
const ORIGIN = "https://api.example.com";
const AT = { lane: "crm", origin: ORIGIN };
const FIXED: WindowBounds = { floor: 1, ceiling: 20, adapts: false };
const unknown = unknownDestination(ORIGIN);

const refusal = (more: Partial<Refusal> = {}): Refusal => ({
  ...AT,
  ...FIXED,
  startedAt: T0 - 50,
  effect: "closes",
  cause: "429",
  pauseMs: 1000,
  maxPauseMs: 60_000,
  now: T0,
  ...more,
});
const growth = (successes: number, more: Partial<Growth> = {}): Growth => ({
  ...AT,
  ...FIXED,
  successes,
  now: T0,
  ...more,
});
const ask = (worker: string, now: number) => ({ ...AT, worker, ttlMs: 5000, now });

const bounds: fc.Arbitrary<WindowBounds> = fc
  .tuple(fc.integer({ min: 1, max: 20 }), fc.nat(80), fc.boolean())
  .map(([floor, above, adapts]) => ({ floor, ceiling: floor + above, adapts }));
const effect = fc.constantFrom("narrows" as const, "closes" as const, "breaks" as const);

type Step = (record: DestinationRecord, now: number, within: WindowBounds) => DestinationRecord;
/** Whatever can happen to a destination. */
const step: fc.Arbitrary<Step> = fc.oneof(
  fc
    .tuple(effect, fc.nat(3000), fc.option(fc.nat(5000)))
    .map(([effect, agoMs, afterMs]): Step => (record, now, within) => {
      const until = afterMs === null ? {} : { until: now + afterMs };
      const more = { ...within, effect, now, startedAt: now - agoMs, ...until };
      return refuseDestination(record, refusal(more));
    }),
  fc.nat(200).map(
    (successes): Step =>
      (record, now, within) =>
        growDestination(record, growth(successes, { ...within, now })),
  ),
  fc.constantFrom("a", "b").map(
    (worker): Step =>
      (record, now) =>
        probeDestination(record, ask(worker, now)),
  ),
  fc.constant<Step>((record, now) => reopenDestination(record, now)),
);
const history = fc.array(fc.tuple(step, fc.integer({ min: 1, max: 3000 })), { maxLength: 30 });

/** Each record that a history leaves, with the time at which it was made. */
function* live(
  steps: readonly (readonly [Step, number])[],
  within: WindowBounds,
): Generator<{ before: DestinationRecord; after: DestinationRecord; now: number }> {
  let now = T0;
  let record = unknown;
  for (const [take, laterMs] of steps) {
    now += laterMs;
    const before = record;
    record = take(before, now, within);
    yield { before, after: record, now };
  }
}

describe("refusals", () => {
  test("a burst counts once, in whatever order and with whatever effects it arrives", () => {
    const one = fc.record({
      startedAt: fc.integer({ min: T0 - 500, max: T0 }),
      effect: fc.constantFrom("narrows" as const, "closes" as const),
      afterMs: fc.integer({ min: 1000, max: 9000 }),
    });
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 30 }), (burst) => {
        const record = burst.reduce((record, { startedAt, effect, afterMs }, index) => {
          const until = effect === "closes" ? { until: T0 + afterMs } : {};
          return refuseDestination(
            record,
            refusal({ startedAt, effect, now: T0 + index, ...until }),
          );
        }, unknown);
        const closing = burst.filter(({ effect }) => effect === "closes");
        expect(record.window).toBe(10);
        expect(record.closings).toBe(Math.min(1, closing.length));
        expect(record.until).toBe(Math.max(0, ...closing.map(({ afterMs }) => T0 + afterMs)));
      }),
    );
  });

  test("nor do those count that start while it is closed: their workers have not heard of it", () => {
    const closed = refuseDestination(unknown, refusal({ until: T0 + 5000 }));
    for (const effect of ["narrows", "closes", "breaks"] as const) {
      const late = refusal({ effect, startedAt: T0 + 300, now: T0 + 400 });
      expect(refuseDestination(closed, late)).toBe(closed);
    }
  });

  test("old news changes nothing, but that a later time prolongs a closing", () => {
    fc.assert(
      fc.property(
        history,
        bounds,
        effect,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.option(fc.nat(9000)),
        (steps, within, effect, share, afterMs) => {
          for (const { after, now } of live(steps, within)) {
            if (after.newsFrom === 0) continue;
            const startedAt = T0 - 1 + Math.floor((after.newsFrom - T0) * share);
            const until = afterMs === null ? undefined : now + afterMs;
            const late = { ...within, effect, startedAt, now, ...(until && { until }) };
            const {
              until: opensAt,
              newsFrom: _,
              changedAt: __,
              ...same
            } = refuseDestination(after, refusal(late));
            expect(after).toMatchObject(same);
            expect(opensAt).toBe(
              after.state === "closed" ? Math.max(after.until, until ?? 0) : after.until,
            );
          }
        },
      ),
    );
  });

  test("a Retry-After that is over already switches no pause off", () => {
    for (const until of [T0, T0 - 5000]) {
      expect(refuseDestination(unknown, refusal({ until })).until).toBe(T0 + 1000);
    }
  });

  test("pauses double with each closing in a row, up to the longest, and begin anew when it has answered", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 5000, max: 600_000 }),
        fc.integer({ min: 1, max: 80 }),
        (pauseMs, maxPauseMs, closings) => {
          const pauses = { pauseMs, maxPauseMs };
          let record = unknown;
          let now = T0;
          for (let closing = 1; closing <= closings; closing++) {
            record = probeDestination(record, ask("a", now));
            record = refuseDestination(record, refusal({ ...pauses, startedAt: now, now }));
            expect(record.until - now).toBe(Math.min(pauseMs * 2 ** (closing - 1), maxPauseMs));
            expect(record).toMatchObject({ closings: closing, closedSince: T0, state: "closed" });
            now = record.until;
          }
          const reopened = reopenDestination(record, now);
          expect(reopened).toMatchObject({ state: "open", closings: 0, closedSince: 0, until: 0 });
          const again = refuseDestination(reopened, refusal({ ...pauses, startedAt: now, now }));
          expect(again).toMatchObject({ closings: 1, closedSince: now, until: now + pauseMs });
        },
      ),
    );
  });
});

describe("probes", () => {
  test("none while it is open or its time is not over, and never two workers at once", () => {
    fc.assert(
      fc.property(history, bounds, (steps, within) => {
        for (const { after, now } of live(steps, within)) {
          const first = probeDestination(after, ask("c", now));
          if (after.state === "open" || now < after.until || now < after.proberUntil) {
            expect(first).toBe(after);
          } else {
            expect(first).not.toBe(after);
            expect(probeDestination(first, ask("d", now + 4999))).toBe(first);
            expect(probeDestination(first, ask("d", now + 5000))).not.toBe(first);
          }
        }
      }),
    );
  });

  test("one that fails closes anew, whatever the effect, though a refusal from before had prolonged it", () => {
    for (const effect of ["narrows", "closes", "breaks"] as const) {
      const closed = refuseDestination(unknown, refusal({ until: T0 + 2000 }));
      const probed = probeDestination(closed, ask("a", T0 + 2000));
      const late = refusal({ until: T0 + 2500, now: T0 + 2005 });
      const prolonged = refuseDestination(probed, late);
      expect(prolonged.until).toBe(T0 + 2500);
      const failed = refusal({ effect, startedAt: T0 + 2001, now: T0 + 2100 });
      expect(refuseDestination(prolonged, failed)).toMatchObject({
        state: "closed",
        closings: 2,
        until: T0 + 4100,
        window: effect === "breaks" ? 10 : 5,
        prober: undefined,
      });
    }
  });

  test("one asked for again is the same: what its call finds is still news", () => {
    const closed = refuseDestination(unknown, refusal({ until: T0 + 2000 }));
    const probed = probeDestination(closed, ask("a", T0 + 2000));
    const renewed = probeDestination(probed, ask("a", T0 + 6000));
    const failed = refusal({ startedAt: T0 + 2001, now: T0 + 6100 });
    expect(refuseDestination(renewed, failed).closings).toBe(2);
  });
});

describe("windows", () => {
  test("stay within their bounds, and only where a lane adapts at the ceiling", () => {
    fc.assert(
      fc.property(history, bounds, (steps, within) => {
        for (const { after } of live(steps, within)) {
          if (after.window === undefined) continue;
          expect(after.window).toBeGreaterThanOrEqual(within.floor);
          expect(after.window).toBeLessThanOrEqual(within.ceiling);
          expect(after.window < within.ceiling || within.adapts).toBe(true);
        }
      }),
    );
  });

  test("where nothing changes, the record is the same, and where it does, it says when", () => {
    fc.assert(
      fc.property(history, bounds, (steps, within) => {
        for (const { before, after, now } of live(steps, within)) {
          if (after === before) continue;
          expect(after).not.toEqual({ ...before, changedAt: after.changedAt });
          expect(after.changedAt).toBe(now);
        }
      }),
    );
  });

  test("climb by one a window of successes, told at once or one by one", () => {
    const narrow = refuseDestination(unknown, refusal({ effect: "narrows", ceiling: 8 }));
    expect(narrow.window).toBe(4);
    const grow = (record: DestinationRecord, successes: number): DestinationRecord =>
      growDestination(record, growth(successes, { ceiling: 100 }));
    expect(grow(narrow, 4).window).toBe(5);
    expect(grow(narrow, 4 + 5 + 6).window).toBe(7);
    expect(grow(narrow, 4 + 5 + 3).window).toBe(6.5);
    let record = narrow;
    for (let told = 0; told < 400; told++) record = grow(record, 1);
    expect(Math.abs(record.window! - grow(narrow, 400).window!)).toBeLessThan(0.5);
  });

  test("do not grow while closed, by what had started before", () => {
    const closed = refuseDestination(unknown, refusal());
    expect(growDestination(closed, growth(50))).toBe(closed);
  });

  test("a lane that adapts opens one from the floor, refused or not", () => {
    const adapts = { floor: 4, ceiling: 64, adapts: true };
    expect(growDestination(unknown, growth(0, adapts)).window).toBe(4);
    expect(refuseDestination(unknown, refusal({ ...adapts, effect: "breaks" })).window).toBe(4);
    expect(refuseDestination(unknown, refusal({ ...adapts, effect: "closes" })).window).toBe(4);
  });
});

test("one is forgotten when nothing has changed it since, and it is not closed for longer", () => {
  const closed = refuseDestination(unknown, refusal({ until: T0 + 5000 }));
  expect(isForgettable(closed, T0 + 5000)).toBe(false);
  expect(isForgettable(closed, T0 + 5001)).toBe(true);
  const open = reopenDestination(closed, T0 + 6000);
  expect(isForgettable(open, T0 + 6000)).toBe(false);
  expect(isForgettable(open, T0 + 6001)).toBe(true);
});

describe("the calls in flight follow what the server takes, from 20 at once to 5 to 40", () => {
  const phases = [20, 5, 40].map((capacity) => ({ capacity, durationMs: 80_000 }));

  test.each([
    { workers: 1, adapts: true },
    { workers: 3, adapts: true },
    { workers: 3, adapts: false },
    { workers: 5, adapts: false },
  ])("$workers workers, adapts: $adapts", ({ workers, adapts }) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 }), (seed) => {
        const random = uniform(seed);
        const means = simulateWindow(phases, { floor: 1, ceiling: 64, adapts }, workers, random);
        for (const [index, { capacity }] of phases.entries()) {
          expect(means[index]! / capacity).toBeGreaterThan(0.6);
          expect(means[index]! / capacity).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 4 },
    );
  });
});

/** Uniformly from 0 up to 1: the 32 bits of a linear congruential generator. */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test("a destination that nobody has tried for long begins anew", () => {
  const first = refuseDestination(unknown, refusal({ now: T0 }));
  const again = (now: number) => refuseDestination(first, refusal({ now, startedAt: now - 50 }));
  expect(again(first.until + 300_000)).toMatchObject({ closings: 2, closedSince: T0 });
  const late = first.until + 700_000;
  expect(again(late)).toMatchObject({ closings: 1, closedSince: late, until: late + 1000 });
});
