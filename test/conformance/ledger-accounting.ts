import { describe, expect, test } from "vitest";
import type { Ledger } from "../../shared/ledger/ledger.ts";
import type { MakeLedgerStore } from "./ledger.ts";
import {
  T0,
  closed,
  collect,
  dropped,
  failed,
  newRun,
  numbered,
  outcomes,
  planned,
  succeeded,
} from "./ledger-records.ts";

const figures = (ledger: Ledger) => ledger.figures("r", T0 + 1000);

/** What becomes of planned calls, and how it is counted. */
export function describeAccounting(make: MakeLedgerStore): void {
  async function withRun(tolerance: number | null = null): Promise<Ledger> {
    const ledger = (await make()).open();
    await ledger.createRun(newRun("r", { tolerance }));
    return ledger;
  }

  describe("accounting", () => {
    test("figures have just what the contract says", async () => {
      const ledger = await withRun();
      expect(await figures(ledger)).toEqual({
        run: "r",
        name: "name of r",
        state: "running",
        parent: null,
        planned: 0,
        succeeded: 0,
        failed: 0,
        cancelled: 0,
        pending: 0,
        attempts: 0,
        duplicates: 0,
        elapsedMs: 1000,
        latencyMs: null,
        failures: [],
      });
    });

    test("a run is settled once its count, its planned calls and their outcomes agree", async () => {
      const ledger = await withRun();
      await ledger.record([planned("r", ["a", "b"]), closed("r", 2)], T0);
      await ledger.record([outcomes("r", succeeded("a", { attempts: 3 }))], T0 + 100);
      expect(await figures(ledger)).toMatchObject({ state: "running", pending: 1 });
      const last = await ledger.record([outcomes("r", failed("b"))], T0 + 200);
      expect(last).toEqual({ settled: ["r"], stopped: [], orphans: 0 });
      expect(await figures(ledger)).toMatchObject({
        state: "settled",
        planned: 2,
        succeeded: 1,
        failed: 1,
        pending: 0,
        attempts: 4,
        elapsedMs: 200,
        failures: [{ reason: "rejected", status: 404, count: 1 }],
      });
    });

    test("an outcome before its plan counts once the plan arrives", async () => {
      const ledger = await withRun();
      await ledger.record([closed("r", 1), outcomes("r", succeeded("a"))], T0);
      expect(await figures(ledger)).toMatchObject({ planned: 0, succeeded: 0, latencyMs: null });
      expect(await collect(ledger.calls("r", {}))).toEqual([]);
      expect(await ledger.known("r", ["a"])).toEqual({
        settled: new Set(["a"]),
        planned: new Set(),
        succeeded: new Set(["a"]),
      });
      const last = await ledger.record([planned("r", ["a"], "crm")], T0);
      expect(last.settled).toEqual(["r"]);
      expect(await figures(ledger)).toMatchObject({ planned: 1, succeeded: 1, duplicates: 0 });
      const [row] = await collect(ledger.calls("r", {}));
      expect(row).toMatchObject({ lane: "crm", url: "https://api.example.com/a", status: 200 });
    });

    test("the same again changes nothing but the duplicates, and settles no second time", async () => {
      const ledger = await withRun();
      const records = [
        planned("r", ["a", "b"]),
        outcomes("r", succeeded("a"), failed("b")),
        closed("r", 2),
      ];
      await ledger.record(records, T0);
      const before = await figures(ledger);
      const again = await ledger.record(records, T0 + 50);
      expect(again).toEqual({ settled: [], stopped: [], orphans: 0 });
      expect(await figures(ledger)).toEqual({ ...before, duplicates: 2 });
      expect(await ledger.outbox()).toHaveLength(1);
    });

    test("a better outcome replaces a worse one, with its attempts, its latency and its reason", async () => {
      const ledger = await withRun();
      await ledger.record(
        [planned("r", ["a", "b"]), outcomes("r", succeeded("b", { latencyMs: 20 }))],
        T0,
      );
      await ledger.record([outcomes("r", dropped("a"))], T0);
      expect(await figures(ledger)).toMatchObject({ cancelled: 1, pending: 0 });
      await ledger.record(
        [outcomes("r", failed("a", "abandoned", { latencyMs: 900, attempts: 5 }))],
        T0,
      );
      expect(await figures(ledger)).toMatchObject({
        cancelled: 0,
        failed: 1,
        attempts: 6,
        latencyMs: { max: 900 },
      });
      await ledger.record([outcomes("r", succeeded("a", { latencyMs: 10, attempts: 2 }))], T0);
      expect(await figures(ledger)).toMatchObject({
        failed: 0,
        succeeded: 2,
        attempts: 3,
        duplicates: 0,
        failures: [],
        latencyMs: { p50: 10, p95: 20, p99: 20, max: 20 },
      });
      const [row] = await collect(ledger.calls("r", { id: "a" }));
      expect(row).toMatchObject({ state: "succeeded", reason: null, error: null, latencyMs: 10 });
    });

    test("a worse outcome, or another as good, is a duplicate", async () => {
      const ledger = await withRun();
      await ledger.record([planned("r", ["a"]), outcomes("r", failed("a"))], T0);
      await ledger.record(
        [outcomes("r", failed("a", "exhausted", { status: 503 }), dropped("a"))],
        T0,
      );
      expect(await figures(ledger)).toMatchObject({
        duplicates: 2,
        failures: [{ reason: "rejected", status: 404, count: 1 }],
      });
    });

    test("failures are grouped by reason and status, most first", async () => {
      const ledger = await withRun();
      const ids = numbered(6);
      await ledger.record([planned("r", ids)], T0);
      const noAnswer = { ...failed("c0", "exhausted"), status: undefined as never };
      delete (noAnswer as { status?: number }).status;
      await ledger.record([outcomes("r", noAnswer, failed("c1"), failed("c2"))], T0);
      await ledger.record(
        [outcomes("r", failed("c3"), failed("c4", "exhausted"), { ...noAnswer, id: "c5" })],
        T0,
      );
      expect((await figures(ledger)).failures).toEqual([
        { reason: "rejected", status: 404, count: 3 },
        { reason: "exhausted", status: null, count: 2 },
        { reason: "exhausted", status: 404, count: 1 },
      ]);
    });

    test("latency has percentiles within half a percent, and an exact maximum", async () => {
      const ledger = await withRun();
      const ids = numbered(1000);
      await ledger.record([planned("r", ids)], T0);
      const all = ids.map((id, index) => succeeded(id, { latencyMs: index + 1 + 0.123 }));
      for (let at = 0; at < all.length; at += 300) {
        await ledger.record([outcomes("r", ...all.slice(at, at + 300))], T0);
      }
      const { latencyMs } = await figures(ledger);
      expect(latencyMs).toEqual({ p50: 500, p95: 950, p99: 990, max: 1000.123 });
    });

    test("past its tolerance a run stops, once; of fewer than 100 planned only when all are known", async () => {
      const ledger = await withRun(0.05);
      const ids = numbered(50);
      const wrong = ids.slice(0, 5).map((id) => failed(id));
      await ledger.record([planned("r", ids)], T0);
      expect((await ledger.record([outcomes("r", ...wrong)], T0)).stopped).toEqual([]);
      expect((await ledger.record([outcomes("r", failed("c6"))], T0 + 7)).stopped).toEqual(["r"]);
      expect(await ledger.findRun("r")).toMatchObject({ state: "stopped", endedAt: T0 + 7 });
      expect((await ledger.record([outcomes("r", failed("c7"))], T0)).stopped).toEqual([]);
      expect(await ledger.events("r")).toContainEqual({
        at: T0 + 7,
        what: "stopped",
        by: "recorder",
      });

      await ledger.createRun(newRun("s", { tolerance: 0.05 }));
      await ledger.record(
        [planned("s", ids), outcomes("s", failed("c0"), failed("c1"), failed("c2"))],
        T0,
      );
      expect((await ledger.findRun("s"))?.state).toBe("running");
      expect((await ledger.record([closed("s", 50)], T0)).stopped).toEqual(["s"]);
    });

    test("a stopped run whose every call has an outcome after all is settled", async () => {
      const ledger = await withRun(0);
      await ledger.record(
        [planned("r", ["a", "b"]), outcomes("r", failed("a")), closed("r", 2)],
        T0,
      );
      expect((await ledger.findRun("r"))?.state).toBe("stopped");
      expect((await ledger.record([outcomes("r", succeeded("b"))], T0)).settled).toEqual(["r"]);
    });

    test("cancelling settles what is pending, and what is planned later; a late success still counts", async () => {
      const ledger = await withRun();
      await ledger.record([planned("r", ["a", "b", "c"]), outcomes("r", failed("a"))], T0);
      expect(await ledger.setState("r", "cancelled", "senpu cancel 1", T0 + 5)).toBe("cancelled");
      expect(await figures(ledger)).toMatchObject({
        planned: 3,
        failed: 1,
        cancelled: 2,
        pending: 0,
      });
      await ledger.record([planned("r", ["d"]), closed("r", 4)], T0 + 6);
      expect(await figures(ledger)).toMatchObject({
        state: "cancelled",
        planned: 4,
        cancelled: 3,
        pending: 0,
      });
      await ledger.record([outcomes("r", succeeded("b"))], T0 + 7);
      expect(await figures(ledger)).toMatchObject({
        succeeded: 1,
        cancelled: 2,
        duplicates: 0,
        elapsedMs: 5,
      });
      expect((await ledger.outbox()).map(({ id }) => id)).toEqual(["r/cancelled"]);
      const [row] = await collect(ledger.calls("r", { id: "c" }));
      expect(row).toMatchObject({ state: "cancelled", settledAt: new Date(T0 + 5).toISOString() });
    });

    test("records of unknown runs are counted, and stop nothing", async () => {
      const ledger = await withRun();
      const records = [planned("x", ["a"]), planned("r", ["a"]), closed("y", 1)];
      expect(await ledger.record(records, T0)).toEqual({ settled: [], stopped: [], orphans: 2 });
      expect(await figures(ledger)).toMatchObject({ planned: 1 });
    });
  });
}
