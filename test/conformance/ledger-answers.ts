import { describe, expect, test } from "vitest";
import type { Ledger } from "../../shared/ledger/ledger.ts";
import type { Answer } from "../../shared/model/answer.ts";
import type { MakeLedgerStore } from "./ledger.ts";
import { T0, collect, failed, newRun, outcomes, planned, succeeded } from "./ledger-records.ts";

const KEPT: Answer = {
  headers: { "content-type": "text/plain" },
  body: '風 "quoted" \u0000 \ud800',
  truncated: true,
  bytes: 70_000,
  saved: { segment: "1-a", at: 3, bytes: 9 },
};

const answersOf = async (ledger: Ledger, run = "r") =>
  (await collect(ledger.calls(run, { withAnswers: true }))).map(({ id, answer }) => [id, answer]);

/** What is kept of calls' answers. */
export function describeAnswers(make: MakeLedgerStore): void {
  async function withRun(): Promise<Ledger> {
    const ledger = (await make()).open();
    await ledger.createRun(newRun("r"));
    return ledger;
  }

  describe("answers", () => {
    test("an answer is stored with its outcome, character by character, and told only to who asks", async () => {
      const ledger = await withRun();
      await ledger.record(
        [planned("r", ["a", "b"]), outcomes("r", succeeded("a", { answer: KEPT }), failed("b"))],
        T0,
      );
      expect(await answersOf(ledger)).toEqual([
        ["a", JSON.parse(JSON.stringify(KEPT))],
        ["b", null],
      ]);
      const [plain] = await collect(ledger.calls("r", {}));
      expect(plain).not.toHaveProperty("answer");
      const [one] = await collect(ledger.calls("r", { id: "a", withAnswers: true }));
      expect(one?.answer?.bytes).toBe(70_000);
    });

    test("an answer that comes before its call's plan is there when that has come", async () => {
      const ledger = await withRun();
      await ledger.record([outcomes("r", succeeded("a", { answer: KEPT }))], T0);
      await ledger.record([planned("r", ["a"])], T0);
      expect(await answersOf(ledger)).toMatchObject([["a", { bytes: 70_000 }]]);
    });

    test("the answer is that of the outcome that holds: a better one replaces it, a copy does not", async () => {
      const ledger = await withRun();
      const of = (bytes: number) => ({ answer: { bytes } });
      await ledger.record([planned("r", ["a", "b"])], T0);
      await ledger.record(
        [outcomes("r", failed("a", "rejected", of(1)), failed("b", "rejected", of(1)))],
        T0,
      );
      await ledger.record([outcomes("r", succeeded("a", of(2)), succeeded("b"))], T0);
      await ledger.record(
        [outcomes("r", succeeded("a", of(3)), failed("b", "rejected", of(3)))],
        T0,
      );
      expect(await answersOf(ledger)).toEqual([
        ["a", { bytes: 2 }],
        ["b", null],
      ]);
    });

    test("in one batch too", async () => {
      const ledger = await withRun();
      const of = (bytes: number) => ({ answer: { bytes } });
      await ledger.record(
        [
          outcomes(
            "r",
            failed("a", "rejected", of(1)),
            succeeded("a", of(2)),
            succeeded("a", of(3)),
          ),
          planned("r", ["a"]),
        ],
        T0,
      );
      expect(await answersOf(ledger)).toEqual([["a", { bytes: 2 }]]);
    });

    test("answers are forgotten with their run, and no other's", async () => {
      const ledger = (await make()).open();
      for (const [id, createdAt] of [
        ["old", T0 - 1],
        ["new", T0 + 1],
      ] as const) {
        await ledger.createRun(newRun(id, { createdAt }));
        await ledger.record(
          [planned(id, ["a"]), outcomes(id, succeeded("a", { answer: KEPT }))],
          T0,
        );
        await ledger.setState(id, "cancelled", "me", T0);
      }
      expect(await ledger.prune(T0)).toEqual(["old"]);
      expect(await answersOf(ledger, "new")).toHaveLength(1);
      await ledger.createRun(newRun("old", { createdAt: T0 + 2 }));
      await ledger.record([planned("old", ["a"]), outcomes("old", succeeded("a"))], T0);
      expect(await answersOf(ledger, "old")).toEqual([["a", null]]);
    });
  });
}
