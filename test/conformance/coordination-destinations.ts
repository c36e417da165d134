import { describe, expect, test } from "vitest";
import type {
  Coordination,
  Destination,
  Growth,
  ProbeRequest,
  Refusal,
} from "../../shared/coordination/coordination.ts";
import type { MakeCoordinationStore } from "./coordination.ts";

const T0 = 1_785_542_400_000;
const API = "https://api.example.com";
const RETRY_AT = T0 + 30_000;

const refusal = (more: Partial<Refusal> = {}): Refusal => ({
  lane: "crm",
  origin: API,
  startedAt: T0 - 50,
  effect: "closes",
  cause: "429",
  pauseMs: 1000,
  maxPauseMs: 3000,
  floor: 1,
  ceiling: 20,
  adapts: false,
  now: T0,
  ...more,
});

const ask = (worker: string, now: number): ProbeRequest => ({
  lane: "crm",
  origin: API,
  worker,
  ttlMs: 5000,
  now,
});

const growth = (successes: number, more: Partial<Growth> = {}): Growth => ({
  lane: "crm",
  origin: API,
  successes,
  floor: 1,
  ceiling: 20,
  adapts: false,
  now: T0,
  ...more,
});

/** A store on another machine may give a time back with a rounding error. */
const at = (time: number): number => expect.closeTo(time, 1) as number;

/** What closing it for the first time leaves. */
const closedOnce: Destination = {
  origin: API,
  state: "closed",
  until: at(RETRY_AT),
  cause: "429",
  closings: 1,
  closedSince: at(T0),
  window: 10,
};
const openAgain: Destination = {
  origin: API,
  state: "open",
  until: 0,
  cause: "",
  closings: 0,
  closedSince: 0,
};

export function describeDestinations(make: MakeCoordinationStore): void {
  const open = async (): Promise<Coordination> => (await make(() => T0)).open();

  describe("destinations", () => {
    test("what one worker is refused, another reads, until it is reopened", async () => {
      const store = await make(() => T0);
      const [one, other] = [await store.open(), await store.open()];
      expect(await other.destinations("crm")).toEqual([]);
      expect(await one.refuse(refusal({ until: RETRY_AT }))).toEqual(closedOnce);
      expect(await other.destinations("crm")).toEqual([closedOnce]);
      expect(await other.destinations("mail")).toEqual([]);
      await other.reopen("crm", API, RETRY_AT + 100);
      expect(await one.destinations("crm")).toEqual([{ ...openAgain, window: 10 }]);
    });

    test("each lane and each origin has its own", async () => {
      const coordination = await open();
      await coordination.refuse(refusal({ until: RETRY_AT }));
      await coordination.refuse(refusal({ lane: "mail", effect: "narrows" }));
      await coordination.refuse(refusal({ origin: "https://b.example.com", effect: "narrows" }));
      const found = await coordination.destinations("crm");
      expect(new Map(found.map(({ origin, state }) => [origin, state]))).toEqual(
        new Map([
          [API, "closed"],
          ["https://b.example.com", "open"],
        ]),
      );
      expect(await coordination.destinations("mail")).toEqual([{ ...openAgain, window: 10 }]);
    });

    test("of many refused at once, one counts, and the latest Retry-After holds", async () => {
      const store = await make(() => T0);
      const connections = [await store.open(), await store.open(), await store.open()];
      await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          connections[index % 3]!.refuse(
            refusal({ startedAt: T0 - index, now: T0 + index, until: RETRY_AT + index }),
          ),
        ),
      );
      expect(await connections[0]!.destinations("crm")).toEqual([
        {
          ...closedOnce,
          until: at(RETRY_AT + 11),
          closedSince: expect.any(Number) as number,
        },
      ]);
    });

    test("where the server does not say how long, pauses double from closing to closing", async () => {
      const coordination = await open();
      let now = T0;
      for (const pauseMs of [1000, 2000, 3000, 3000]) {
        const { until } = await coordination.refuse(refusal({ startedAt: now, now }));
        expect(until).toEqual(at(now + pauseMs));
        now += pauseMs;
      }
      expect(await coordination.destinations("crm")).toEqual([
        { ...closedOnce, until: at(now), closings: 4, window: 1.25 },
      ]);
    });

    test("a narrowing closes nothing, and a break leaves the window as it is", async () => {
      const coordination = await open();
      expect(await coordination.refuse(refusal({ effect: "narrows" }))).toEqual({
        ...openAgain,
        window: 10,
      });
      const cause = "20 of 20 attempts failed";
      const broken = await coordination.refuse(
        refusal({ effect: "breaks", cause, startedAt: T0 + 10, now: T0 + 20 }),
      );
      expect(broken).toEqual({
        ...closedOnce,
        cause,
        until: at(T0 + 1020),
        closedSince: at(T0 + 20),
      });
    });

    test("what an attempt from before the reopening says, changes nothing", async () => {
      const coordination = await open();
      await coordination.refuse(refusal({ effect: "breaks" }));
      await coordination.reopen("crm", API, T0 + 2000);
      expect(await coordination.destinations("crm")).toEqual([]);
      const late = refusal({ startedAt: T0 + 500, now: T0 + 2100, until: RETRY_AT });
      expect(await coordination.refuse(late)).toEqual(openAgain);
      expect(await coordination.destinations("crm")).toEqual([]);
      await coordination.refuse({ ...late, startedAt: T0 + 2050 });
      expect(await coordination.destinations("crm")).toEqual([
        { ...closedOnce, closedSince: at(T0 + 2100) },
      ]);
    });
  });

  describeProbes(make);
  describeWindows(make);

  describe("destinations over time", () => {
    test("they are still there after a restart", async () => {
      const store = await make(() => T0);
      const before = await store.open();
      await before.refuse(refusal({ until: RETRY_AT }));
      expect(await before.probe(ask("a", RETRY_AT))).toBe(true);
      await before.close();
      const after = await store.open();
      expect(await after.destinations("crm")).toEqual([closedOnce]);
      expect(await after.probe(ask("b", RETRY_AT + 4999))).toBe(false);
      expect(await after.probe(ask("b", RETRY_AT + 5000))).toBe(true);
    });

    test("prune forgets those that nothing has changed since, unless they are still closed", async () => {
      const coordination = await open();
      await coordination.refuse(refusal({ origin: "https://narrow", effect: "narrows" }));
      await coordination.refuse(refusal({ origin: "https://over", until: T0 + 10 }));
      await coordination.refuse(refusal({ origin: "https://closed", until: RETRY_AT }));
      await coordination.refuse(
        refusal({ origin: "https://new", effect: "narrows", now: T0 + 20 }),
      );
      const origins = async (): Promise<string[]> =>
        (await coordination.destinations("crm")).map(({ origin }) => origin).toSorted();
      await coordination.prune(T0 - 1000);
      expect(await origins()).toHaveLength(4);
      await coordination.prune(T0 + 20);
      expect(await origins()).toEqual(["https://closed", "https://new"]);
    });
  });
}

function describeProbes(make: MakeCoordinationStore): void {
  describe("probes", () => {
    test("one of ten who ask at once may, and only when the time is over", async () => {
      const store = await make(() => T0);
      const connections = [await store.open(), await store.open(), await store.open()];
      await connections[0]!.refuse(refusal({ until: RETRY_AT }));
      const askAll = (now: number): Promise<boolean[]> =>
        Promise.all(
          Array.from({ length: 10 }, (_, index) =>
            connections[index % 3]!.probe(ask(`w${index}`, now)),
          ),
        );
      expect((await askAll(RETRY_AT - 1)).filter(Boolean)).toHaveLength(0);
      expect((await askAll(RETRY_AT)).filter(Boolean)).toHaveLength(1);
    });

    test("one whose worker died is given to another when its time to live is over", async () => {
      const coordination = await (await make(() => T0)).open();
      await coordination.refuse(refusal({ until: RETRY_AT }));
      expect(await coordination.probe(ask("dead", RETRY_AT))).toBe(true);
      expect(await coordination.probe(ask("b", RETRY_AT + 4999))).toBe(false);
      expect(await coordination.probe(ask("b", RETRY_AT + 5000))).toBe(true);
      expect(await coordination.probe(ask("dead", RETRY_AT + 5001))).toBe(false);
    });

    test("who has it may ask again, and has it longer", async () => {
      const coordination = await (await make(() => T0)).open();
      await coordination.refuse(refusal({ until: RETRY_AT }));
      expect(await coordination.probe(ask("a", RETRY_AT))).toBe(true);
      expect(await coordination.probe(ask("a", RETRY_AT + 3000))).toBe(true);
      expect(await coordination.probe(ask("b", RETRY_AT + 7999))).toBe(false);
      expect(await coordination.probe(ask("b", RETRY_AT + 8000))).toBe(true);
    });

    test("there is none of a destination that is open or unknown", async () => {
      const coordination = await (await make(() => T0)).open();
      expect(await coordination.probe(ask("a", T0))).toBe(false);
      await coordination.refuse(refusal({ effect: "narrows" }));
      expect(await coordination.probe(ask("a", T0))).toBe(false);
      await coordination.reopen("crm", "https://unknown.example.com", T0);
      expect(await coordination.destinations("crm")).toHaveLength(1);
    });

    test("one that is refused closes anew, and the next may be made after that", async () => {
      const coordination = await (await make(() => T0)).open();
      await coordination.refuse(refusal({ until: RETRY_AT }));
      await coordination.probe(ask("a", RETRY_AT));
      const startedAt = RETRY_AT + 1;
      expect(
        await coordination.refuse(refusal({ cause: "503", startedAt, now: RETRY_AT + 40 })),
      ).toEqual({
        ...closedOnce,
        cause: "503",
        until: at(RETRY_AT + 2040),
        closings: 2,
        window: 5,
      });
      expect(await coordination.probe(ask("b", RETRY_AT + 2039))).toBe(false);
      expect(await coordination.probe(ask("b", RETRY_AT + 2041))).toBe(true);
      await coordination.reopen("crm", API, RETRY_AT + 2100);
      expect(await coordination.destinations("crm")).toEqual([{ ...openAgain, window: 5 }]);
    });
  });
}

function describeWindows(make: MakeCoordinationStore): void {
  describe("windows", () => {
    test("where the lane adapts, one opens from the floor, by one a success, until it is refused", async () => {
      const coordination = await (await make(() => T0)).open();
      const adapts = { floor: 2, ceiling: 40, adapts: true };
      expect((await coordination.grow(growth(3, adapts))).window).toBe(5);
      expect((await coordination.grow(growth(5, adapts))).window).toBe(10);
      expect(await coordination.destinations("crm")).toEqual([{ ...openAgain, window: 10 }]);
      await coordination.refuse(refusal({ ...adapts, effect: "narrows" }));
      expect((await coordination.grow(growth(5, adapts))).window).toBe(6);
      expect((await coordination.grow(growth(3, adapts))).window).toBe(6.5);
      expect((await coordination.grow(growth(5000, adapts))).window).toBe(40);
      expect(await coordination.destinations("crm")).toEqual([{ ...openAgain, window: 40 }]);
    });

    test("where it does not, there is none until a refusal, and none when it has grown back", async () => {
      const coordination = await (await make(() => T0)).open();
      expect(await coordination.grow(growth(8))).toEqual(openAgain);
      expect(await coordination.destinations("crm")).toEqual([]);
      await coordination.refuse(refusal({ effect: "narrows" }));
      expect((await coordination.grow(growth(10))).window).toBe(11);
      expect(await coordination.grow(growth(500))).toEqual(openAgain);
      expect(await coordination.destinations("crm")).toEqual([]);
    });

    test("what many add at once adds up", async () => {
      const store = await make(() => T0);
      const connections = [await store.open(), await store.open(), await store.open()];
      const adapts = { floor: 1, ceiling: 100, adapts: true };
      await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          connections[index % 3]!.grow(growth(index, adapts)),
        ),
      );
      expect(await connections[0]!.destinations("crm")).toEqual([{ ...openAgain, window: 67 }]);
    });
  });
}
