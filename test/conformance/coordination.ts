import { describe, expect, test } from "vitest";
import { describeHolds } from "./coordination-holds.ts";
import type { Coordination, LeaseRequest } from "../../shared/coordination/coordination.ts";
import { TOTAL } from "../../shared/model/lane.ts";
import { describeDestinations } from "./coordination-destinations.ts";

/** Of one store: a connection each, or the same where there can be but one. Closed when the test ends, if not before. */
interface CoordinationStore {
  open(): Coordination | Promise<Coordination>;
}
/** `clock` tells the time of what is written without one: epoch milliseconds. */
export type MakeCoordinationStore = (
  clock: () => number,
) => CoordinationStore | Promise<CoordinationStore>;

const T0 = 1_785_542_400_000;

/** What senpu relies on, of any coordination. */
export function coordinationConformance(name: string, make: MakeCoordinationStore): void {
  const open = async (): Promise<Coordination> => (await make(() => T0)).open();

  describe(`coordination: ${name}`, () => {
    describeControls(make);
    describeLanes(open);
    describeSlots(make);
    describeDestinations(make);

    describe("start times", () => {
      const tenASecond = { count: 10, perMs: 1000 };

      test("each is given once, evenly spaced, over all who ask", async () => {
        const store = await make(() => T0);
        const [one, other] = [await store.open(), await store.open()];
        expect(await one.reserve("crm", tenASecond, 3, T0)).toBe(T0);
        expect(await other.reserve("crm", tenASecond, 2, T0 + 1)).toBe(T0 + 300);
        expect(await one.reserve("crm", tenASecond, 1, T0 + 2)).toBe(T0 + 500);
      });

      test("none is in the past, and another lane has its own", async () => {
        const coordination = await open();
        await coordination.reserve("crm", tenASecond, 3, T0);
        expect(await coordination.reserve("crm", tenASecond, 1, T0 + 5000)).toBe(T0 + 5000);
        expect(await coordination.reserve("mail", tenASecond, 1, T0)).toBe(T0);
      });

      test("fractions of a millisecond are kept", async () => {
        const coordination = await open();
        await coordination.reserve("crm", { count: 3, perMs: 1000 }, 1, T0);
        const second = await coordination.reserve("crm", { count: 3, perMs: 1000 }, 1, T0);
        expect(second - T0).toBeCloseTo(1000 / 3, 2);
      });

      test("a burst may start at once, after a pause again, and is nobody's twice", async () => {
        const store = await make(() => T0);
        const [one, other] = [await store.open(), await store.open()];
        const bursts = { ...tenASecond, burst: 4 };
        expect(await one.reserve("crm", bursts, 2, T0)).toBeCloseTo(T0 - 300, 1);
        expect(await other.reserve("crm", bursts, 6, T0)).toBeCloseTo(T0 - 100, 1);
        expect(await one.reserve("crm", bursts, 1, T0)).toBeCloseTo(T0 + 500, 1);
        expect(await one.reserve("crm", bursts, 1, T0 + 9000)).toBeCloseTo(T0 + 8700, 1);
      });
    });

    describe("start times that are given back", () => {
      const oneAnHour = { count: 1, perMs: 3_600_000 };

      test("are the next ones again", async () => {
        const store = await make(() => T0);
        const [one, other] = [await store.open(), await store.open()];
        await one.reserve("crm", oneAnHour, 1, T0);
        const firstAt = await one.reserve("crm", oneAnHour, 2, T0);
        expect(firstAt).toBe(T0 + 3_600_000);
        const until = firstAt + 2 * 3_600_000;
        await one.giveBackStarts("crm", oneAnHour, { from: firstAt + 3_600_000, until });
        expect(await other.reserve("crm", oneAnHour, 1, T0)).toBe(firstAt + 3_600_000);
      });

      test("are gone where others have reserved since, or none is left of them", async () => {
        const coordination = await open();
        const firstAt = await coordination.reserve("crm", oneAnHour, 1, T0);
        const until = firstAt + 3_600_000;
        await coordination.giveBackStarts("crm", oneAnHour, { from: until, until });
        expect(await coordination.reserve("crm", oneAnHour, 1, T0)).toBe(until);
        await coordination.giveBackStarts("crm", oneAnHour, { from: firstAt, until });
        expect(await coordination.reserve("crm", oneAnHour, 1, T0)).toBe(until + 3_600_000);
      });
    });

    describeHolds(make);

    describe("checkpoints", () => {
      test("one is read as it was written, replaced, and removed", async () => {
        const coordination = await open();
        expect(await coordination.readCheckpoint("r/1/k1")).toBeUndefined();
        const first = { startedBelow: 4, done: [0, 2], attempts: { 1: 3 } };
        await coordination.writeCheckpoint("r/1/k1", first, T0);
        expect(await coordination.readCheckpoint("r/1/k1")).toEqual(first);
        await coordination.writeCheckpoint("r/1/k1", { done: [0, 1, 2], attempts: {} }, T0 + 1);
        expect(await coordination.readCheckpoint("r/1/k1")).toEqual({
          done: [0, 1, 2],
          attempts: {},
        });
        await coordination.writeCheckpoint("r/1/k2", { done: [], attempts: {} }, T0);
        await coordination.writeCheckpoint(
          "r/2/k",
          { unsafe: ["a", "b"], done: [], attempts: {} },
          T0,
        );
        await coordination.writeCheckpoint(
          "r/1/k3",
          { unsafe: ["b", "c"], done: [], attempts: {} },
          T0,
        );
        await coordination.writeCheckpoint("rr/1/k", { unsafe: ["x"], done: [], attempts: {} }, T0);
        expect([...(await coordination.startedUnsafe("r"))].toSorted()).toEqual(["a", "b", "c"]);
        await coordination.removeCheckpoints(["r/1/k1", "unknown"]);
        expect(await coordination.readCheckpoint("r/1/k1")).toBeUndefined();
        expect(await coordination.readCheckpoint("r/1/k2")).toBeDefined();
      });

      test("prune forgets those not written since", async () => {
        const coordination = await open();
        await coordination.writeCheckpoint("old", { done: [1], attempts: {} }, T0 - 1);
        await coordination.writeCheckpoint("new", { done: [2], attempts: {} }, T0);
        await coordination.prune(T0);
        expect(await coordination.readCheckpoint("old")).toBeUndefined();
        expect(await coordination.readCheckpoint("new")).toBeDefined();
      });
    });
  });
}

function describeControls(make: MakeCoordinationStore): void {
  describe("controls", () => {
    test("what one sets, another reads", async () => {
      const store = await make(() => T0);
      const [one, other] = [await store.open(), await store.open()];
      await one.setControl("r", { generation: 1, state: "running" });
      await one.setControl("s", { generation: 3, state: "paused" });
      expect(await other.control("r")).toEqual({ generation: 1, state: "running" });
      expect(await other.control("x")).toBeUndefined();
      expect(await other.controls(["s", "x", "r"])).toEqual(
        new Map([
          ["r", { generation: 1, state: "running" }],
          ["s", { generation: 3, state: "paused" }],
        ]),
      );
      expect(await other.controls([])).toEqual(new Map());
    });

    test("word of an older generation is too late", async () => {
      const coordination = await (await make(() => T0)).open();
      await coordination.setControl("r", { generation: 2, state: "running" });
      await coordination.setControl("r", { generation: 1, state: "stopped" });
      expect(await coordination.control("r")).toEqual({ generation: 2, state: "running" });
      await coordination.setControl("r", { generation: 2, state: "stopped" });
      expect(await coordination.control("r")).toEqual({ generation: 2, state: "stopped" });
    });

    test("prune forgets those not set since, and what their runs claimed", async () => {
      let now = T0 - 1;
      const coordination = await (await make(() => now)).open();
      for (const run of ["old", "renewed"]) {
        await coordination.setControl(run, { generation: 1, state: "running" });
        await coordination.claimLanes(run, [{ lane: run, concurrency: 1 }]);
      }
      now = T0;
      await coordination.setControl("renewed", { generation: 1, state: "paused" });
      await coordination.prune(T0);
      expect(await coordination.control("old")).toBeUndefined();
      expect(await coordination.control("renewed")).toBeDefined();
      expect(await coordination.lanes()).toEqual([{ lane: "renewed", concurrency: 1 }]);
    });
  });
}

const perSecond = (count: number) => ({ count, perMs: 1000 });

function describeLanes(open: () => Promise<Coordination>): void {
  describe("lanes", () => {
    test("of two runs, the smaller limit holds, each of its kind, until it is released", async () => {
      const coordination = await open();
      await coordination.claimLanes("r", [
        { lane: "crm", concurrency: 8, rate: perSecond(20) },
        { lane: "mail", concurrency: 2 },
      ]);
      await coordination.claimLanes("s", [
        { lane: "crm", concurrency: 9, rate: { count: 600, perMs: 60_000 } },
        { lane: "mail", concurrency: 1, rate: perSecond(5) },
      ]);
      expect(await coordination.lanes()).toEqual([
        { lane: "crm", concurrency: 8, rate: { count: 600, perMs: 60_000 } },
        { lane: "mail", concurrency: 1, rate: perSecond(5) },
      ]);
      await coordination.releaseLanes("s");
      expect(await coordination.lanes()).toEqual([
        { lane: "crm", concurrency: 8, rate: perSecond(20) },
        { lane: "mail", concurrency: 2 },
      ]);
    });

    test("a lane adapts while all who claim it say so, from the smallest minimum", async () => {
      const coordination = await open();
      await coordination.claimLanes("r", [{ lane: "crm", concurrency: 8, minConcurrency: 4 }]);
      await coordination.claimLanes("s", [{ lane: "crm", concurrency: 9, minConcurrency: 2 }]);
      const adapts = { lane: "crm", concurrency: 8, minConcurrency: 2 };
      expect(await coordination.lanes()).toEqual([adapts]);
      await coordination.claimLanes("t", [{ lane: "crm", concurrency: 10 }]);
      expect(await coordination.lanes()).toEqual([{ lane: "crm", concurrency: 8 }]);
      await coordination.releaseLanes("t");
      expect(await coordination.lanes()).toEqual([adapts]);
    });

    test("the cap over all lanes is claimed as a lane is, with or without a concurrency", async () => {
      const coordination = await open();
      const rate = { ...perSecond(50), burst: 10 };
      await coordination.claimLanes("r", [{ lane: TOTAL, concurrency: Infinity, rate }]);
      expect(await coordination.lanes()).toEqual([{ lane: TOTAL, concurrency: Infinity, rate }]);
      await coordination.claimLanes("s", [{ lane: TOTAL, concurrency: 100 }]);
      expect(await coordination.lanes()).toEqual([{ lane: TOTAL, concurrency: 100, rate }]);
    });

    test("a run that claims again has only its new lanes", async () => {
      const coordination = await open();
      await coordination.claimLanes("r", [{ lane: "crm", concurrency: 8 }]);
      await coordination.claimLanes("r", [{ lane: "mail", concurrency: 1 }]);
      expect(await coordination.lanes()).toEqual([{ lane: "mail", concurrency: 1 }]);
      await coordination.releaseLanes("r");
      await coordination.releaseLanes("r");
      expect(await coordination.lanes()).toEqual([]);
    });
  });
}

const ask = (worker: string, more: Partial<LeaseRequest> = {}): LeaseRequest => ({
  lane: "crm",
  worker,
  wanted: 8,
  held: 0,
  limit: 8,
  ttlMs: 1000,
  now: T0,
  ...more,
});

function describeSlots(make: MakeCoordinationStore): void {
  describe("slots", () => {
    test("two workers never have more than the limit, and come to share it", async () => {
      const store = await make(() => T0);
      const [one, other] = [await store.open(), await store.open()];
      expect(await one.lease(ask("a"))).toBe(8);
      expect(await other.lease(ask("b"))).toBe(0);
      // More than its share is in use: it may start nothing, and nobody gets those, until fewer are.
      expect(await one.lease(ask("a", { held: 6 }))).toBe(4);
      expect(await other.lease(ask("b"))).toBe(2);
      expect(await one.lease(ask("a", { held: 3 }))).toBe(4);
      expect(await other.lease(ask("b"))).toBe(4);
      expect(await one.workers("crm", T0)).toBe(2);
      expect(await one.leased("crm", T0)).toBe(8);
      expect(await one.leased("crm", T0 + 1000)).toBe(0);
    });

    test("what is not wanted any more goes back, all but what is in use", async () => {
      const coordination = await (await make(() => T0)).open();
      await coordination.lease(ask("a"));
      expect(await coordination.lease(ask("a", { wanted: 0, held: 3 }))).toBe(3);
      expect(await coordination.lease(ask("b"))).toBe(5);
      expect(await coordination.lease(ask("a", { wanted: 0 }))).toBe(0);
      expect(await coordination.workers("crm", T0)).toBe(1);
      expect(await coordination.lease(ask("b"))).toBe(8);
    });

    test("a dead worker's slots come back when its lease has expired", async () => {
      const coordination = await (await make(() => T0)).open();
      await coordination.lease(ask("dead"));
      expect(await coordination.lease(ask("b", { now: T0 + 999 }))).toBe(0);
      expect(await coordination.lease(ask("b", { now: T0 + 1000 }))).toBe(8);
      expect(await coordination.workers("crm", T0 + 1000)).toBe(1);
      await coordination.prune(T0 + 5000);
      expect(await coordination.workers("crm", T0)).toBe(0);
    });

    test("a limit that shrinks takes nothing that is in use, and holds as that comes free", async () => {
      const store = await make(() => T0);
      const [one, other] = [await store.open(), await store.open()];
      const shrunk = { limit: 4.9, wanted: 4.9 };
      expect(await one.lease(ask("a", { wanted: 4 }))).toBe(4);
      expect(await other.lease(ask("b", { wanted: 4 }))).toBe(4);
      expect(await one.lease(ask("a", { ...shrunk, held: 4 }))).toBe(2);
      expect(await other.lease(ask("c", shrunk))).toBe(0);
      // Those of `a` are still taken; `c` wants a part.
      expect(await other.lease(ask("b", { ...shrunk, held: 4 }))).toBeLessThan(3);
      await one.lease(ask("a", { wanted: 0 }));
      expect(await other.lease(ask("c", shrunk))).toBe(0);
      expect(await other.lease(ask("b", { ...shrunk, held: 2 }))).toBe(2);
      expect(await one.lease(ask("c", shrunk))).toBe(2);
      expect(await one.lease(ask("d", { limit: 0.5, lane: "mail" }))).toBe(1);
    });

    test("each lane has its own", async () => {
      const coordination = await (await make(() => T0)).open();
      expect(await coordination.lease(ask("a"))).toBe(8);
      expect(await coordination.lease(ask("a", { lane: "mail", limit: 3 }))).toBe(3);
      expect(await coordination.workers("mail", T0)).toBe(1);
      expect(await coordination.workers("none", T0)).toBe(0);
    });

    test("of many who ask at once, none gets what another has", async () => {
      const store = await make(() => T0);
      const connections = [await store.open(), await store.open(), await store.open()];
      const granted = await Promise.all(
        Array.from({ length: 12 }, async (_, index) =>
          connections[index % 3]!.lease(ask(`w${index}`, { wanted: 5, limit: 10 })),
        ),
      );
      expect(granted.reduce((sum, slots) => sum + slots, 0)).toBeLessThanOrEqual(10);
    });
  });
}
