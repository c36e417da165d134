import { describe, expect, test } from "vitest";
import type { CallFilter, Ledger } from "../../shared/ledger/ledger.ts";
import type { MakeLedgerStore } from "./ledger.ts";
import {
  T0,
  collect,
  failed,
  newRun,
  numbered,
  outcomes,
  planned,
  succeeded,
} from "./ledger-records.ts";

const ids = async (ledger: Ledger, filter: CallFilter) =>
  (await collect(ledger.calls("r", filter))).map(({ id }) => id);

/** How a run's calls are read. */
export function describeCalls(make: MakeLedgerStore): void {
  async function withCalls(): Promise<Ledger> {
    const ledger = (await make()).open();
    await ledger.createRun(newRun("r"));
    await ledger.record(
      [
        planned("r", ["d", "a"], "crm"),
        planned("r", ["c", "b"]),
        {
          kind: "planned",
          run: "r",
          calls: [
            {
              id: "e",
              lane: "mail",
              method: "POST",
              url: "http://user@LOCALHOST:8080?x=http://no.example",
            },
          ],
        },
        outcomes("r", succeeded("a"), failed("b"), failed("c", "exhausted", { status: 503 })),
      ],
      T0,
    );
    return ledger;
  }

  describe("calls", () => {
    test("rows have just what the contract says", async () => {
      const ledger = await withCalls();
      expect(await collect(ledger.calls("r", { limit: 2 }))).toEqual([
        {
          run: "r",
          id: "d",
          lane: "crm",
          method: "GET",
          url: "https://api.example.com/d",
          state: "pending",
          reason: null,
          status: null,
          attempts: 0,
          startedAt: null,
          settledAt: null,
          latencyMs: null,
          error: null,
          worker: null,
        },
        {
          run: "r",
          id: "a",
          lane: "crm",
          method: "GET",
          url: "https://api.example.com/a",
          state: "succeeded",
          reason: null,
          status: 200,
          attempts: 1,
          startedAt: new Date(T0).toISOString(),
          settledAt: new Date(T0 + 100).toISOString(),
          latencyMs: 40,
          error: null,
          worker: "w1",
        },
      ]);
    });

    test("all stand in the order in which they were first recorded", async () => {
      const ledger = await withCalls();
      expect(await ids(ledger, {})).toEqual(["d", "a", "c", "b", "e"]);
    });

    test.each<[string, CallFilter, string[]]>([
      ["state", { state: "failed" }, ["c", "b"]],
      ["pending", { state: "pending" }, ["d", "e"]],
      ["reason", { reason: "exhausted" }, ["c"]],
      ["an exact status", { status: { from: 404, to: 404 } }, ["b"]],
      ["a class of status", { status: { from: 500, to: 599 } }, ["c"]],
      ["lane", { lane: "crm" }, ["d", "a"]],
      ["host", { host: "API.example.com" }, ["d", "a", "c", "b"]],
      ["host with its port", { host: "localhost:8080" }, ["e"]],
      ["a host that stands elsewhere in the URL", { host: "no.example" }, []],
      ["id", { id: "c" }, ["c"]],
      ["an unknown id", { id: "x" }, []],
      ["after a call", { after: "a" }, ["c", "b", "e"]],
      ["after a call, and state", { after: "d", state: "failed", limit: 1 }, ["c"]],
      ["after the last", { after: "e" }, []],
      [
        "several at once",
        { state: "failed", lane: "default", status: { from: 400, to: 499 } },
        ["b"],
      ],
      ["limit", { state: "failed", limit: 1 }, ["c"]],
      ["a limit of none", { limit: 0 }, []],
    ])("filtered by %s", async (_, filter, expected) => {
      expect(await ids(await withCalls(), filter)).toEqual(expected);
    });

    test("after a call that is not there is an error of the person's", async () => {
      const ledger = await withCalls();
      await expect(ids(ledger, { after: "x" })).rejects.toMatchObject({ code: "run" });
    });

    test("another run's calls of the same ids stay its own", async () => {
      const ledger = await withCalls();
      await ledger.createRun(newRun("s"));
      await ledger.record([planned("s", ["a"]), outcomes("s", failed("a"))], T0);
      expect(await collect(ledger.calls("s", {}))).toMatchObject([
        { run: "s", id: "a", state: "failed" },
      ]);
      expect(await collect(ledger.calls("r", { id: "a" }))).toMatchObject([{ state: "succeeded" }]);
    });

    test("many are streamed, each once, while more is recorded", async () => {
      const ledger = (await make()).open();
      await ledger.createRun(newRun("r"));
      const all = numbered(2500);
      await ledger.record([planned("r", all)], T0);
      const seen: string[] = [];
      for await (const { id } of ledger.calls("r", {})) {
        if (seen.length === 10) {
          await ledger.record([outcomes("r", ...all.map((one) => succeeded(one)))], T0);
        }
        seen.push(id);
      }
      expect(seen).toEqual(all);
      expect(await ids(ledger, { limit: 1500 })).toHaveLength(1500);
    });

    test("it knows which ids are planned, which have an outcome, and which succeeded", async () => {
      const ledger = await withCalls();
      expect(await ledger.known("r", ["a", "b", "d", "x"])).toEqual({
        settled: new Set(["a", "b"]),
        planned: new Set(["a", "b", "d"]),
        succeeded: new Set(["a"]),
      });
    });
  });
}
