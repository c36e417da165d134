import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { StoreClock } from "../../../shared/coordination/dynamo-clock.ts";

/** A store on another machine, and this machine's clock, in a simulated world. All in milliseconds. */
interface World {
  /** Of the store's clock before this machine's, at the start. */
  readonly offsetMs: number;
  /** This machine's clock gains so much a millisecond. */
  readonly drift: number;
  readonly leastUpMs: number;
  readonly leastDownMs: number;
  readonly seed: number;
}
const world: fc.Arbitrary<World> = fc.record({
  offsetMs: fc.double({ min: -10_000, max: 10_000, noNaN: true }),
  drift: fc.double({ min: -0.0001, max: 0.0001, noNaN: true }),
  leastUpMs: fc.double({ min: 0, max: 20, noNaN: true }),
  leastDownMs: fc.double({ min: 0, max: 20, noNaN: true }),
  seed: fc.integer(),
});

const T0 = 1_785_542_400_000;
const EPSILON_MS = 0.001;
const EVERY_MS = 250;

class Simulation {
  readonly #world: World;
  readonly #random: () => number;
  /** True time, which is the store's. */
  at = T0;
  /** Set anew by so much. */
  setMs = 0;
  readonly clock = new StoreClock(() => this.local());

  constructor(given: World) {
    this.#world = given;
    this.#random = randomFrom(given.seed);
  }

  local(): number {
    const { offsetMs, drift } = this.#world;
    return this.at - offsetMs + this.setMs + (this.at - T0) * drift;
  }

  trueOffset(): number {
    return this.at - this.local();
  }

  errorMs(): number {
    return Math.abs(this.clock.now() - this.at);
  }

  /** One request and its answer, with latencies that now and then are long. */
  exchange(): void {
    const sentAt = this.local();
    this.at += this.#world.leastUpMs - Math.log(1 - this.#random()) * 5;
    const dateMs = Math.floor(this.at / 1000) * 1000;
    this.at += this.#world.leastDownMs - Math.log(1 - this.#random()) * 5;
    this.clock.note(dateMs, sentAt, this.local());
  }

  /** Four requests a second, as timers and work bring them: not quite evenly. */
  run(forMs: number): void {
    for (const until = this.at + forMs; this.at < until;) {
      this.exchange();
      this.at += EVERY_MS * (0.6 + 0.8 * this.#random());
    }
  }
}

/** 0 up to, but not, 1. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe("the store's clock", () => {
  test("agrees with this one until it is known", () => {
    const clock = new StoreClock(() => T0 + 0.5);
    expect([clock.now(), clock.toStore(5), clock.toLocal(5)]).toEqual([T0 + 0.5, 5, 5]);
    expect(clock.uncertaintyMs).toBe(Infinity);
  });

  test("is never farther off than it says", () => {
    fc.assert(
      fc.property(world, fc.integer({ min: 1, max: 400 }), (given, exchanges) => {
        const simulated = new Simulation(given);
        for (let n = 0; n < exchanges; n++) {
          simulated.run(EVERY_MS);
          expect(simulated.errorMs()).toBeLessThanOrEqual(
            simulated.clock.uncertaintyMs + EVERY_MS * 2 * 0.0001 + EPSILON_MS,
          );
        }
      }),
      { numRuns: 60 },
    );
  });

  test("is known to about a round trip after 20 s at four answers a second, whatever it was set to", () => {
    const errors: number[] = [];
    fc.assert(
      fc.property(world, (given) => {
        const simulated = new Simulation(given);
        simulated.run(20_000);
        const { leastUpMs, leastDownMs } = given;
        errors.push(simulated.errorMs() - leastUpMs - leastDownMs);
        // What is left is how near to a full second the nearest answers came, and the drift since.
        expect(simulated.errorMs()).toBeLessThanOrEqual(leastUpMs + leastDownMs + 150);
      }),
      { numRuns: 300, seed: 7 },
    );
    const median = errors.sort((a, b) => a - b)[150]!;
    expect(median).toBeLessThan(10);
  });

  test("that this one was right about stays as it is, answer after answer", () => {
    fc.assert(
      fc.property(world, (given) => {
        const simulated = new Simulation({ ...given, offsetMs: 0, drift: 0 });
        for (let n = 0; n < 80; n++) {
          simulated.run(EVERY_MS);
          expect(simulated.clock.now()).toBe(simulated.local());
        }
      }),
      { numRuns: 50 },
    );
  });

  test("is followed when one of the two is set anew", () => {
    fc.assert(
      fc.property(
        world,
        fc.oneof(fc.integer({ min: -9000, max: -300 }), fc.integer({ min: 300, max: 9000 })),
        (given, setMs) => {
          const simulated = new Simulation(given);
          simulated.run(20_000);
          simulated.setMs = setMs;
          simulated.run(20_000);
          const { leastUpMs, leastDownMs } = given;
          expect(simulated.errorMs()).toBeLessThanOrEqual(leastUpMs + leastDownMs + 150);
        },
      ),
      { numRuns: 200, seed: 7 },
    );
  });

  test("takes no word from an answer that cannot be placed", () => {
    const clock = new StoreClock(() => T0);
    clock.note(NaN, T0, T0 + 5);
    clock.note(T0 + 60_000, T0 + 5, T0);
    expect(clock.now()).toBe(T0);
  });

  test("moves by no more than an answer's lateness when a `Date` is stale", () => {
    const simulated = new Simulation({
      offsetMs: 0,
      drift: 0,
      leastUpMs: 1,
      leastDownMs: 1,
      seed: 3,
    });
    simulated.run(20_000);
    // A server that was busy over the turn of a second writes the one before.
    const at = Math.floor(simulated.at / 1000) * 1000 + 40;
    simulated.at = at + 3;
    simulated.clock.note(at - 40 - 1000, at - 1, at + 1);
    expect(simulated.errorMs()).toBeLessThan(45);
    simulated.run(20_000);
    expect(simulated.errorMs()).toBeLessThan(20);
  });
});
