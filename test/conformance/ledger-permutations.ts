import { randomUUID } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Ledger, LedgerRecord } from "../../shared/ledger/ledger.ts";
import type { Figures } from "../../shared/model/figures.ts";
import type { Outcome, SettledState } from "../../shared/model/outcome.ts";
import type { MakeLedgerStore } from "./ledger.ts";
import {
  T0,
  closed,
  collect,
  dropped,
  failed,
  newRun,
  outcomes,
  planned,
  succeeded,
} from "./ledger-records.ts";

/** A small run: of each call, the states in which outcomes of it arrive, one at least. */
type Story = readonly (readonly SettledState[])[];

const story = fc.array(
  fc.uniqueArray(fc.constantFrom<SettledState>("succeeded", "failed", "cancelled"), {
    minLength: 1,
  }),
  { maxLength: 5 },
);

function outcomeOf(call: number, state: SettledState): Outcome {
  const id = `c${call}`;
  const more = { latencyMs: 10 * call + (state === "failed" ? 1000 : 1), attempts: call + 1 };
  if (state === "succeeded") return succeeded(id, more);
  return state === "failed" ? failed(id, call % 2 ? "rejected" : "unknown", more) : dropped(id);
}

/** Each piece of what is told about the run, on its own. */
function tell(run: string, calls: Story): LedgerRecord[] {
  return [
    ...calls.map((_, call) => planned(run, [`c${call}`])),
    ...calls.flatMap((states, call) =>
      states.map((state) => outcomes(run, outcomeOf(call, state))),
    ),
    closed(run, calls.length),
  ];
}

/** Any order, some twice, cut into batches, each through one of two recorders. */
const telling = story.chain((calls) => {
  const pieces = tell("", calls).length;
  const order = fc.shuffledSubarray([...Array(pieces).keys()], { minLength: pieces });
  const again = fc.array(fc.nat(pieces - 1), { maxLength: 4 });
  return fc.record({
    calls: fc.constant(calls),
    order: fc.tuple(order, again).map(([once, twice]) => [...once, ...twice]),
    cuts: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }),
    recorders: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
    tolerance: fc.option(fc.constantFrom(0, 0.3, 1)),
  });
});

async function checkSums(ledger: Ledger, run: string): Promise<Figures> {
  const figures = await ledger.figures(run, T0 + 10);
  const rows = await collect(ledger.calls(run, {}));
  const count = (state: string) => rows.filter((row) => row.state === state).length;
  expect({
    planned: rows.length,
    succeeded: count("succeeded"),
    failed: count("failed"),
    cancelled: count("cancelled"),
    pending: count("pending"),
    attempts: rows.reduce((sum, { attempts }) => sum + attempts, 0),
    failures: figures.failures.reduce((sum, group) => sum + group.count, 0),
    max: rows.reduce((max, { latencyMs }) => Math.max(max, latencyMs ?? 0), 0),
  }).toEqual({
    planned: figures.planned,
    succeeded: figures.succeeded,
    failed: figures.failed,
    cancelled: figures.cancelled,
    pending: figures.pending,
    attempts: figures.attempts,
    failures: figures.failed,
    max: figures.latencyMs?.max ?? 0,
  });
  return figures;
}

const comparable = ({ run: _run, name: _name, duplicates: _duplicates, ...rest }: Figures) => rest;

async function tellAll(
  ledgers: readonly [Ledger, Ledger],
  run: string,
  {
    calls,
    order,
    cuts,
    recorders,
  }: { calls: Story; order: number[]; cuts: number[]; recorders: boolean[] },
  afterBatch: (batch: number) => Promise<void> = async () => {},
): Promise<string[]> {
  const settled: string[] = [];
  const pieces = tell(run, calls);
  for (let at = 0, batch = 0; at < order.length; batch++) {
    const size = cuts[batch % cuts.length]!;
    const records = order.slice(at, at + size).map((index) => pieces[index]!);
    const ledger = ledgers[recorders[batch % recorders.length] ? 0 : 1];
    settled.push(...(await ledger.record(records, T0 + 10)).settled);
    await checkSums(ledger, run);
    await afterBatch(batch);
    at += size;
  }
  return settled;
}

/** Whatever the order, the end is the same. */
export function describePermutations(make: MakeLedgerStore): void {
  describe("in any order, twice, and through two recorders", () => {
    test("a run ends in the same figures, settled once, and its sums agree at every moment", async () => {
      const store = await make();
      const ledgers = [store.open(), store.open()] as const;
      await fc.assert(
        fc.asyncProperty(telling, async (told) => {
          const straight = randomUUID();
          const shuffled = randomUUID();
          const { tolerance } = told;
          await ledgers[0].createRun(newRun(straight, { tolerance }));
          await ledgers[0].createRun(newRun(shuffled, { tolerance }));
          await ledgers[0].record(tell(straight, told.calls), T0 + 10);
          expect(await tellAll(ledgers, shuffled, told)).toEqual([shuffled]);
          const expected = await ledgers[0].figures(straight, T0 + 10);
          expect(expected.state).toBe("settled");
          expect(comparable(await ledgers[1].figures(shuffled, T0 + 10))).toEqual(
            comparable(expected),
          );
        }),
        { numRuns: 60 },
      );
    });

    test("cancelled at any moment, nothing is pending from then on", async () => {
      const store = await make();
      const ledgers = [store.open(), store.open()] as const;
      await fc.assert(
        fc.asyncProperty(telling, fc.nat(6), async (told, cancelAfter) => {
          const run = randomUUID();
          await ledgers[0].createRun(newRun(run));
          let state = "running";
          await tellAll(ledgers, run, told, async (batch) => {
            if (batch === cancelAfter) {
              state = await ledgers[1].setState(run, "cancelled", "me", T0 + 10);
            }
            const figures = await checkSums(ledgers[0], run);
            if (state !== "running") expect(figures).toMatchObject({ state, pending: 0 });
          });
        }),
        { numRuns: 30 },
      );
    });
  });
}
