import { describe, expect, test } from "vitest";
import type { Ledger } from "../../shared/ledger/ledger.ts";
import type { MakeLedgerStore } from "./ledger.ts";
import { T0, closed, failed, newRun, outcomes, planned } from "./ledger-records.ts";

/** What is to be told of runs that have ended. */
export function describeOutbox(make: MakeLedgerStore): void {
  const idsOf = async (ledger: Ledger) => (await ledger.outbox()).map(({ id }) => id);

  describe("outbox", () => {
    test("what is told of a settled run waits, with one id, until it is confirmed", async () => {
      const ledger = (await make()).open();
      await ledger.createRun(newRun("r"));
      await ledger.createRun(newRun("s"));
      await ledger.record([closed("s", 0), closed("r", 0)], T0 + 5);
      const rows = await ledger.outbox();
      expect(rows.map(({ run }) => run)).toEqual(["s", "r"]);
      expect(rows[0]).toEqual({
        id: "s/settled",
        run: "s",
        event: "s/settled",
        task: "event",
        state: "settled",
        at: T0 + 5,
      });
      expect(await ledger.outbox()).toEqual(rows);
      await ledger.confirmOutbox([rows[0]!.id]);
      expect(await ledger.outbox()).toEqual([rows[1]]);
    });

    test("a webhook and a command of the settings have rows of their own, of the same event", async () => {
      const ledger = (await make()).open();
      const settings = JSON.stringify({ onSettled: { webhook: "http://a/", command: ["b"] } });
      await ledger.createRun(newRun("r", { settings }));
      await ledger.record([closed("r", 0)], T0);
      const rows = await ledger.outbox();
      expect(rows.map(({ id, event, task }) => [id, event, task])).toEqual([
        ["r/settled", "r/settled", "event"],
        ["r/settled/webhook", "r/settled", "webhook"],
        ["r/settled/command", "r/settled", "command"],
      ]);
      await ledger.confirmOutbox(["r/settled", "r/settled/command"]);
      expect(await idsOf(ledger)).toEqual(["r/settled/webhook"]);
    });

    test("a run that stops is told of each time, a cancelled or settled one once, an interrupted or paused one never", async () => {
      const ledger = (await make()).open();
      await ledger.createRun(newRun("r", { tolerance: 0 }));
      await ledger.record([planned("r", ["a", "b"]), outcomes("r", failed("a"))], T0);
      expect(await idsOf(ledger)).toEqual(["r/stopped/1"]);
      await ledger.restartRun("r", { generation: 1, state: "stopped" }, "me", T0);
      await ledger.setState("r", "paused", "me", T0);
      await ledger.setState("r", "interrupted", "me", T0);
      expect(await idsOf(ledger)).toEqual(["r/stopped/1"]);
      await ledger.setState("r", "stopped", "me", T0 + 7);
      await ledger.setState("r", "stopped", "me", T0 + 8);
      await ledger.setState("r", "cancelled", "me", T0 + 9);
      await ledger.setState("r", "cancelled", "me", T0 + 10);
      await ledger.record([closed("r", 2)], T0 + 11);
      const rows = await ledger.outbox();
      expect(rows.map(({ id, state, at }) => [id, state, at])).toEqual([
        ["r/stopped/1", "stopped", T0],
        ["r/stopped/2", "stopped", T0 + 7],
        ["r/cancelled", "cancelled", T0 + 9],
      ]);
    });

    test("what could not be told stands in the run's history", async () => {
      const ledger = (await make()).open();
      await ledger.createRun(newRun("r"));
      await ledger.noteFailure("r", "webhook failed", "recorder: HTTP 500", T0 + 1);
      await ledger.noteFailure("gone", "command failed", "recorder", T0 + 1);
      const [, noted] = await ledger.events("r");
      expect(noted).toEqual({ at: T0 + 1, what: "webhook failed", by: "recorder: HTTP 500" });
    });

    test("a forgotten run is told of no more", async () => {
      const ledger = (await make()).open();
      await ledger.createRun(newRun("r", { createdAt: T0 - 1 }));
      await ledger.record([closed("r", 0)], T0);
      await ledger.prune(T0);
      expect(await ledger.outbox()).toEqual([]);
    });
  });
}
