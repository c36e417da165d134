import { describe, expect, test } from "vitest";
import type { Ledger } from "../../shared/ledger/ledger.ts";
import { HEARTBEAT_DEAD_MS } from "../../shared/ledger/ledger.ts";
import { describeAnswers } from "./ledger-answers.ts";
import { describeAccounting } from "./ledger-accounting.ts";
import { describeCalls } from "./ledger-calls.ts";
import { describeControl } from "./ledger-control.ts";
import { describeOutbox } from "./ledger-outbox.ts";
import { describePermutations } from "./ledger-permutations.ts";
import {
  T0,
  closed,
  collect,
  newRun,
  numbered,
  outcomes,
  planned,
  succeeded,
} from "./ledger-records.ts";

/** A store of its own for the test that asks, gone when that test ends. */
interface LedgerStore {
  /** A connection of its own. */
  open(): Ledger;
}
export type MakeLedgerStore = () => LedgerStore | Promise<LedgerStore>;

/** What senpu relies on, of any ledger. */
export function ledgerConformance(name: string, make: MakeLedgerStore): void {
  describe(`ledger: ${name}`, () => {
    describeRuns(make);
    describeAccounting(make);
    describeCalls(make);
    describePermutations(make);
    describeOutbox(make);
    describeControl(make);
    describeAnswers(make);
  });
}

/** A run as it was created, for who restarts it. */
const BEGUN = { generation: 1, state: "running" } as const;

function describeRuns(make: MakeLedgerStore): void {
  async function withRun(): Promise<Ledger> {
    const ledger = (await make()).open();
    await ledger.createRun(newRun("r"));
    return ledger;
  }

  describe("runs", () => {
    test("a run is found as it was created, running and in its first generation", async () => {
      const ledger = (await make()).open();
      const run = newRun("r", { parent: "p", tolerance: 0.05 });
      await ledger.createRun(run);
      expect(await ledger.findRun("r")).toEqual({
        ...run,
        state: "running",
        generation: 1,
        endedAt: null,
        beatAt: T0,
        owner: null,
        closedPlanned: null,
        planned: 0,
        succeeded: 0,
        failed: 0,
        forgiven: 0,
        cancelled: 0,
      });
      expect(await ledger.findRun("other")).toBeUndefined();
    });

    test("a run's id can be taken once", async () => {
      const ledger = await withRun();
      await expect(ledger.createRun(newRun("r", { name: "again" }))).rejects.toMatchObject({
        code: "run",
      });
      expect((await ledger.findRun("r"))?.name).toBe("name of r");
    });

    test("runs are listed newest first, as many as asked for", async () => {
      const ledger = (await make()).open();
      await ledger.createRun(newRun("old", { createdAt: T0 - 1 }));
      await ledger.createRun(newRun("new", { createdAt: T0 + 1 }));
      await ledger.createRun(newRun("middle"));
      await ledger.createRun(newRun("later at the same time"));
      const ids = async (limit: number) => (await ledger.listRuns(limit)).map(({ id }) => id);
      expect(await ids(10)).toEqual(["new", "later at the same time", "middle", "old"]);
      expect(await ids(1)).toEqual(["new"]);
    });

    test("a run that is not there is an error of the person's", async () => {
      const ledger = await withRun();
      const missing = { code: "run" };
      await expect(ledger.figures("x", T0)).rejects.toMatchObject(missing);
      await expect(ledger.setState("x", "paused", "me", T0)).rejects.toMatchObject(missing);
      await expect(ledger.restartRun("x", BEGUN, "me", T0)).rejects.toMatchObject(missing);
      await expect(collect(ledger.calls("x", {}))).rejects.toMatchObject(missing);
      await expect(ledger.events("x")).rejects.toMatchObject(missing);
      expect(await ledger.known("x", ["a"])).toEqual({
        settled: new Set(),
        planned: new Set(),
        succeeded: new Set(),
      });
    });

    test("a run is paused, then interrupted, and a restart takes it back", async () => {
      const ledger = await withRun();
      expect(await ledger.setState("r", "paused", "senpu pause 7", T0 + 10)).toBe("paused");
      expect(await ledger.findRun("r")).toMatchObject({ state: "paused", endedAt: T0 + 10 });
      expect(await ledger.setState("r", "interrupted", "senpu run 8", T0 + 20)).toBe("interrupted");
      expect(await ledger.findRun("r")).toMatchObject({ state: "interrupted", endedAt: T0 + 20 });
      const from = { generation: 1, state: "interrupted" } as const;
      expect(await ledger.restartRun("r", from, "senpu resume 9", T0 + 30)).toBe(2);
      expect(await ledger.findRun("r")).toMatchObject({
        state: "running",
        generation: 2,
        endedAt: null,
        beatAt: T0 + 30,
      });
      expect(await ledger.events("r")).toMatchObject([
        { what: "created", at: T0 },
        { what: "paused", by: "senpu pause 7", at: T0 + 10 },
        { what: "interrupted", by: "senpu run 8", at: T0 + 20 },
        { what: "restarted", by: "senpu resume 9", at: T0 + 30 },
      ]);
    });

    test("a restart forgets the closing record, and an older generation's counts no more", async () => {
      const ledger = await withRun();
      await ledger.record([planned("r", ["a"]), closed("r", 1)], T0);
      await ledger.setState("r", "interrupted", "me", T0);
      await ledger.restartRun("r", { ...BEGUN, state: "interrupted" }, "me", T0);
      await ledger.record([closed("r", 1, 1), outcomes("r", succeeded("a"))], T0);
      expect(await ledger.findRun("r")).toMatchObject({ state: "running", closedPlanned: null });
      await ledger.record([planned("r", ["a"]), closed("r", 1, 2)], T0);
      expect(await ledger.findRun("r")).toMatchObject({ state: "settled", closedPlanned: 1 });
    });

    test("of two that take a run up at once, one does", async () => {
      const ledger = await withRun();
      await ledger.setState("r", "interrupted", "me", T0);
      const from = { ...BEGUN, state: "interrupted" } as const;
      expect(await ledger.restartRun("r", from, "me", T0)).toBe(2);
      await expect(ledger.restartRun("r", from, "you", T0)).rejects.toThrow("another process");
      expect(await ledger.findRun("r")).toMatchObject({ generation: 2 });
    });

    test("what is settled or cancelled stays so", async () => {
      const ledger = await withRun();
      await ledger.record([closed("r", 0)], T0);
      expect(await ledger.setState("r", "cancelled", "me", T0 + 1)).toBe("settled");
      await expect(ledger.restartRun("r", BEGUN, "me", T0)).rejects.toMatchObject({ code: "run" });
      await ledger.createRun(newRun("s"));
      await ledger.setState("s", "cancelled", "me", T0);
      expect(await ledger.setState("s", "paused", "me", T0 + 1)).toBe("cancelled");
      await ledger.record([closed("s", 0)], T0 + 2);
      expect(await ledger.findRun("s")).toMatchObject({ state: "cancelled", endedAt: T0 });
    });

    test("nobody settles a run by command", async () => {
      const ledger = await withRun();
      await expect(ledger.setState("r", "settled", "me", T0)).rejects.toMatchObject({
        code: "run",
      });
    });

    test("a running run whose owner is dead shows as interrupted, and its time stands still", async () => {
      const ledger = await withRun();
      await ledger.beat("r", T0 + 500);
      const dead = T0 + 500 + HEARTBEAT_DEAD_MS;
      expect(await ledger.figures("r", dead)).toMatchObject({
        state: "running",
        elapsedMs: dead - T0,
      });
      expect(await ledger.figures("r", dead + 1)).toMatchObject({
        state: "interrupted",
        elapsedMs: 500,
      });
      await ledger.beat("r", dead + 2);
      expect(await ledger.figures("r", dead + 3)).toMatchObject({ state: "running" });
      await ledger.setState("r", "paused", "me", dead + 4);
      expect(await ledger.figures("r", dead * 2)).toMatchObject({ state: "paused" });
    });

    test("prune forgets old runs that have ended, all of them, and only those", async () => {
      const ledger = (await make()).open();
      for (const id of ["old", "running", "died"]) {
        await ledger.createRun(newRun(id, { createdAt: T0 - 1000 }));
        await ledger.record([planned(id, numbered(30)), outcomes(id, succeeded("c0"))], T0);
      }
      await ledger.createRun(newRun("young"));
      await ledger.record([planned("young", ["a"])], T0);
      await ledger.setState("old", "interrupted", "me", T0);
      await ledger.beat("running", T0);
      await ledger.beat("died", T0 - HEARTBEAT_DEAD_MS - 1);
      expect((await ledger.prune(T0)).sort()).toEqual(["died", "old"]);
      expect((await ledger.listRuns(9)).map(({ id }) => id)).toEqual(["young", "running"]);
      expect(await collect(ledger.calls("running", {}))).toHaveLength(30);
      await ledger.createRun(newRun("old"));
      expect(await ledger.figures("old", T0)).toMatchObject({ planned: 0, latencyMs: null });
      expect(await collect(ledger.calls("old", {}))).toEqual([]);
      expect(await ledger.prune(T0)).toEqual([]);
    });

    test("a closed ledger says so", async () => {
      const ledger = await withRun();
      await ledger.close();
      await expect(ledger.findRun("r")).rejects.toMatchObject({ code: "ledger" });
      await ledger.close();
    });
  });
}
