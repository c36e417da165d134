import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  chooseCalls,
  collapse,
  commonestRun,
  countCauses,
  passes,
  sift,
} from "../../../producer/replay/choose.ts";
import { readLineage } from "../../../producer/replay/lineage.ts";
import { openSqliteLedger } from "../../../shared/ledger/sqlite-ledger.ts";
import { idempotencyKey } from "../../../shared/model/idempotency-key.ts";
import { makeFolder } from "../../support/command-line.ts";
import { heldLetter } from "../../support/held-letters.ts";
import { fail, seedRun, succeed } from "../../support/seeded-ledger.ts";

describe("filters", () => {
  const { letter } = heldLetter("a");

  test("all that are given must hold", () => {
    const status = { from: 500, to: 599 };
    expect(
      passes(letter, {
        reason: "exhausted",
        status,
        lane: "crm",
        host: "api.example.com",
        id: "a",
      }),
    ).toBe(true);
    expect(passes(letter, { reason: "rejected", status })).toBe(false);
    expect(passes(letter, { host: "other.example.com" })).toBe(false);
    expect(passes(letter, { id: "b" })).toBe(false);
  });

  test("a call without an answer has no status", () => {
    expect(passes({ ...letter, status: null }, { status: { from: 0, to: 999 } })).toBe(false);
  });
});

describe("letters become calls", () => {
  test("several letters of one call become one call, and all of them go with it", () => {
    const first = heldLetter("a", { failedAt: 1 });
    const second = heldLetter("a", { failedAt: 2 });
    const calls = collapse([first, heldLetter("b"), second]);
    expect(calls.map(({ id }) => id).toSorted()).toEqual(["a", "b"]);
    expect(calls.find(({ id }) => id === "a")?.letters).toEqual([second, first]);
  });

  test("the same id in two runs is two calls, told apart where they meet", () => {
    const calls = collapse([heldLetter("a"), heldLetter("a", { run: "r2" }), heldLetter("b")]);
    expect(commonestRun(calls)).toBe("r1");
    const chosen = chooseCalls(calls, "r1");
    expect(chosen.map(({ call }) => call.id).toSorted()).toEqual(["a", "a@r2", "b"]);
    expect(chosen.find(({ call }) => call.id === "a@r2")?.from).toEqual({ run: "r2", id: "a" });
  });

  test("an id that looks like one of another run is not lost", () => {
    const calls = collapse([heldLetter("a@r2"), heldLetter("a", { run: "r2" })]);
    const ids = chooseCalls(calls, "r1").map(({ call }) => call.id);
    expect(new Set(ids).size).toBe(2);
  });

  test("causes are counted, the commonest first", () => {
    const calls = collapse([
      heldLetter("a"),
      heldLetter("b", { reason: "rejected", status: 404 }),
      heldLetter("c"),
    ]);
    expect(countCauses(calls)).toEqual([
      { reason: "exhausted", status: 503, count: 2 },
      { reason: "rejected", status: 404, count: 1 },
    ]);
  });
});

describe("a call is made anew", () => {
  const choose = (...letters: Parameters<typeof collapse>[0]) =>
    chooseCalls(collapse(letters), "r1")[0]!;

  test("with the policy it had, but for the deadline", () => {
    const held = heldLetter("a");
    const { deadlineAt: _, ...policy } = held.letter.policy;
    expect(choose(held).policy).toEqual(policy);
  });

  test("a POST whose result nobody saw keeps the key of its own run", () => {
    const held = heldLetter("a", { reason: "unknown", status: null }, { method: "POST" });
    expect(choose(held).call.key).toBe(idempotencyKey("r1", "a"));
  });

  test("one that had a key from before keeps that", () => {
    const held = heldLetter(
      "a",
      { reason: "unknown", status: null },
      { method: "POST", key: "k0" },
    );
    expect(choose(held).call.key).toBe("k0");
  });

  test("one of whose letters says that nobody saw it keeps its key", () => {
    const unseen = heldLetter(
      "a",
      { reason: "abandoned", status: null, failedAt: 1 },
      { method: "POST" },
    );
    const refused = heldLetter("a", { failedAt: 2 }, { method: "POST" });
    expect(choose(unseen, refused).call.key).toBe(idempotencyKey("r1", "a"));
  });

  test("one that was answered gets a new key", () => {
    const held = heldLetter(
      "a",
      { reason: "rejected", status: 422 },
      { method: "POST", key: "k0" },
    );
    expect(choose(held).call.key).toBeUndefined();
  });

  test("a GET has no key", () => {
    expect(choose(heldLetter("a", { reason: "unknown", status: null })).call.key).toBeUndefined();
  });
});

describe("what the ledger knows better", () => {
  async function siftWith(
    seed: (ledger: ReturnType<typeof openSqliteLedger>) => Promise<void>,
    ids: string[],
  ) {
    const ledger = openSqliteLedger(join(makeFolder(), "ledger.db"));
    await seed(ledger);
    const calls = collapse(ids.map((id) => heldLetter(id)));
    const sifted = await sift(ledger, await readLineage(ledger), calls);
    await ledger.close();
    return sifted;
  }
  const replay = { id: "r2", parent: "r1" };
  const idsOf = (calls: readonly { readonly id: string }[]) => calls.map(({ id }) => id).toSorted();

  test("a call that succeeded in its own run since is not made again", async () => {
    const sifted = await siftWith(
      (ledger) => seedRun(ledger, { id: "r1" }, 2, [succeed("c1"), fail("c2")]),
      ["c1", "c2"],
    );
    expect([idsOf(sifted.succeeded), idsOf(sifted.open)]).toEqual([["c1"], ["c2"]]);
  });

  test("nor one that succeeded in a replay of a replay", async () => {
    const sifted = await siftWith(
      async (ledger) => {
        await seedRun(ledger, { id: "r1" }, 2, [fail("c1"), fail("c2")]);
        await seedRun(ledger, replay, 1, [fail("c1")]);
        await seedRun(ledger, { id: "r3", parent: "r2" }, 1, [succeed("c1")]);
      },
      ["c1", "c2"],
    );
    expect([idsOf(sifted.succeeded), idsOf(sifted.open)]).toEqual([["c1"], ["c2"]]);
  });

  test("one that a settled replay made in vain has its letter there", async () => {
    const sifted = await siftWith(
      async (ledger) => {
        await seedRun(ledger, { id: "r1" }, 2, [fail("c1"), fail("c2")]);
        await seedRun(ledger, replay, 1, [fail("c1")]);
      },
      ["c1", "c2"],
    );
    expect(idsOf(sifted.replayed.get("r2") ?? [])).toEqual(["c1"]);
    expect(idsOf(sifted.open)).toEqual(["c2"]);
  });

  test("a run that no ledger knows is taken at its letters' word", async () => {
    const sifted = await siftWith(async () => {}, ["c1"]);
    expect(idsOf(sifted.open)).toEqual(["c1"]);
  });
});
