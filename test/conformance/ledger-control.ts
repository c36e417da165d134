import { describe, expect, test } from "vitest";
import { HEARTBEAT_DEAD_MS } from "../../shared/ledger/ledger.ts";
import type { Ledger, NewRun } from "../../shared/ledger/ledger.ts";
import type { MakeLedgerStore } from "./ledger.ts";
import { T0, closed, failed, newRun, numbered, outcomes, planned } from "./ledger-records.ts";

const BEGUN = { generation: 1, state: "running" } as const;
const PAUSED = { generation: 1, state: "paused" } as const;
const STOPPED = { generation: 1, state: "stopped" } as const;

/** How a run is held, let go, and taken up again, and what its history tells of that. */
export function describeControl(make: MakeLedgerStore): void {
  async function withRun(more: Partial<NewRun> = {}): Promise<Ledger> {
    const ledger = (await make()).open();
    await ledger.createRun(newRun("r", more), "senpu run (process 1, user ann)");
    return ledger;
  }

  describe("control", () => {
    test("a paused run's time stands still, and goes on when it is let go", async () => {
      const ledger = await withRun();
      await ledger.setState("r", "paused", "me", T0 + 10);
      expect(await ledger.figures("r", T0 + 999)).toMatchObject({ state: "paused", elapsedMs: 10 });
      expect(await ledger.setState("r", "running", "me", T0 + 20)).toBe("running");
      expect(await ledger.findRun("r")).toMatchObject({ ...BEGUN, endedAt: null });
      expect(await ledger.figures("r", T0 + 30)).toMatchObject({ elapsedMs: 30 });
    });

    test("the history tells who created, paused and unpaused it, whoever went on with it", async () => {
      const ledger = await withRun();
      await ledger.setState("r", "paused", "pause 2", T0 + 1);
      await ledger.setState("r", "running", "unpause 3", T0 + 2);
      await ledger.restartRun("r", BEGUN, "run 1", T0 + 3);
      await ledger.setState("r", "paused", "pause 4", T0 + 4);
      await ledger.restartRun("r", { ...PAUSED, generation: 2 }, "unpause 5", T0 + 5);
      expect((await ledger.events("r")).map(({ what, by }) => `${what} by ${by}`)).toEqual([
        "created by senpu run (process 1, user ann)",
        "paused by pause 2",
        "unpaused by unpause 3",
        "restarted by run 1",
        "paused by pause 4",
        "unpaused by unpause 5",
      ]);
    });

    test("only a running run is paused, and only a paused one is let go", async () => {
      const ledger = await withRun();
      for (const state of ["stopped", "interrupted"] as const) {
        await ledger.setState("r", state, "me", T0);
        expect(await ledger.setState("r", "paused", "me", T0)).toBe(state);
        expect(await ledger.setState("r", "running", "me", T0)).toBe(state);
      }
      await ledger.restartRun("r", { generation: 1, state: "interrupted" }, "me", T0);
      await ledger.setState("r", "running", "me", T0);
      expect((await ledger.events("r")).filter(({ what }) => what === "unpaused")).toEqual([]);
    });

    test("who restarts a run that was paused again meanwhile is refused, and it stays paused", async () => {
      const ledger = await withRun();
      await ledger.setState("r", "paused", "you", T0);
      await expect(ledger.restartRun("r", BEGUN, "me", T0)).rejects.toMatchObject({ code: "run" });
      expect(await ledger.findRun("r")).toMatchObject(PAUSED);
    });

    test("a paused run settles when what was in flight was all that was missing", async () => {
      const ledger = await withRun();
      await ledger.record([planned("r", ["a"]), closed("r", 1)], T0);
      await ledger.setState("r", "paused", "me", T0);
      const result = await ledger.record([outcomes("r", failed("a"))], T0 + 1);
      expect(result.settled).toEqual(["r"]);
    });

    test("a paused run is not stopped by its tolerance, but once it was let go", async () => {
      const ledger = await withRun({ tolerance: 0 });
      await ledger.record([planned("r", ["a", "b"])], T0);
      await ledger.setState("r", "paused", "me", T0);
      expect((await ledger.record([outcomes("r", failed("a"))], T0)).stopped).toEqual([]);
      await ledger.restartRun("r", PAUSED, "me", T0);
      expect((await ledger.record([planned("r", ["b"])], T0)).stopped).toEqual(["r"]);
    });

    test("a stopped run that is taken up again has its tolerance anew", async () => {
      const ledger = await withRun({ tolerance: 0.05 });
      const ids = numbered(100);
      const fail = (from: number, to: number) =>
        ledger.record([outcomes("r", ...ids.slice(from, to).map((id) => failed(id)))], T0);
      await ledger.record([planned("r", ids), closed("r", 100)], T0);
      expect((await fail(0, 6)).stopped).toEqual(["r"]);
      // In flight when it was stopped: forgiven as well.
      await fail(6, 8);
      await ledger.restartRun("r", STOPPED, "me", T0);
      expect(await ledger.findRun("r")).toMatchObject({ failed: 8, forgiven: 8, tolerance: 0.05 });
      expect((await fail(8, 13)).stopped).toEqual([]);
      expect((await fail(13, 14)).stopped).toEqual(["r"]);
    });

    test("what was forgiven stays so over an interruption, which forgives nothing", async () => {
      const ledger = await withRun({ tolerance: 0.05 });
      await ledger.record([planned("r", numbered(100))], T0);
      await ledger.record([outcomes("r", failed("c0"))], T0);
      await ledger.setState("r", "interrupted", "me", T0);
      await ledger.restartRun("r", { generation: 1, state: "interrupted" }, "me", T0);
      expect(await ledger.findRun("r")).toMatchObject({ failed: 1, forgiven: 0 });
    });

    test("a restart may bring a tolerance of its own, or none", async () => {
      const ledger = await withRun({ tolerance: 0.05 });
      await ledger.restartRun("r", BEGUN, "me", T0, 0.2);
      expect(await ledger.findRun("r")).toMatchObject({ tolerance: 0.2 });
      await ledger.restartRun("r", { ...BEGUN, generation: 2 }, "me", T0, null);
      expect(await ledger.findRun("r")).toMatchObject({ tolerance: null });
      await ledger.restartRun("r", { ...BEGUN, generation: 3 }, "me", T0);
      expect(await ledger.findRun("r")).toMatchObject({ tolerance: null });
    });

    test("an owner is known from its first beat until the run is restarted", async () => {
      const ledger = await withRun();
      await ledger.beat("r", T0 + 1, "host/7");
      await ledger.beat("r", T0 + 2);
      expect(await ledger.findRun("r")).toMatchObject({ beatAt: T0 + 2, owner: "host/7" });
      await ledger.restartRun("r", BEGUN, "me", T0 + 3);
      expect(await ledger.findRun("r")).toMatchObject({ beatAt: T0 + 3, owner: null });
    });

    test("prune leaves a paused run whose owner lives", async () => {
      const ledger = await withRun({ createdAt: T0 - 1000 });
      await ledger.setState("r", "paused", "me", T0);
      await ledger.beat("r", T0);
      expect(await ledger.prune(T0)).toEqual([]);
      expect(await ledger.prune(T0 + HEARTBEAT_DEAD_MS + 1)).toEqual(["r"]);
    });
  });
}
