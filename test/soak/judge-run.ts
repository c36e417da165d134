import type { CallRow } from "../../shared/ledger/ledger.ts";
import type { Figures } from "../../shared/model/figures.ts";
import type { SeenCalls } from "./soak-api.ts";

export interface RunEvidence {
  readonly figures: Figures;
  readonly rows: readonly CallRow[];
  /** Of the plan. */
  readonly calls: readonly { readonly id: string; readonly method?: string }[];
  readonly seen: SeenCalls;
}

export interface RunVerdict {
  /** What does not hold, each with an example. */
  readonly violations: readonly string[];
  /** Requests beyond the attempts that the ledger knows of: made again after a kill. */
  readonly madeAgain: number;
}

/** What holds of every settled run, whatever befell its processes. Pure. */
export function judgeRun({ figures, rows, calls, seen }: RunEvidence): RunVerdict {
  const violations: string[] = [];
  const say = (what: string, found: readonly string[]): void => {
    if (found.length > 0) violations.push(`${what}: ${found.length}, such as ${found[0]}`);
  };
  const byId = Map.groupBy(rows, ({ id }) => id);
  say(
    "a planned call without exactly one outcome",
    calls
      .filter(({ id }) => byId.get(id)?.length !== 1 || byId.get(id)?.[0]?.settledAt === null)
      .map(({ id }) => id),
  );
  say("wrong sums", wrongSums(figures, rows, calls.length));
  say(
    "a call that succeeded without an answer of the API",
    rows
      .filter(({ id, state }) => state === "succeeded" && !(seen[id]?.succeeded ?? 0))
      .map(({ id }) => id),
  );
  say(
    "an unsafe call that was processed twice",
    calls
      .filter(({ id, method }) => method === "POST" && (seen[id]?.processed ?? 0) > 1)
      .map(({ id }) => id),
  );
  const madeAgain = rows.reduce(
    (sum, { id, attempts }) => sum + Math.max(0, (seen[id]?.attempts ?? 0) - attempts),
    0,
  );
  return { violations, madeAgain };
}

function wrongSums(figures: Figures, rows: readonly CallRow[], planned: number): string[] {
  const count = (state: string): number => rows.filter((row) => row.state === state).length;
  const expected: Partial<Figures> = {
    state: "settled",
    planned,
    succeeded: count("succeeded"),
    failed: count("failed"),
    cancelled: 0,
    pending: 0,
  };
  return Object.entries(expected)
    .filter(([name, value]) => figures[name as keyof Figures] !== value)
    .map(
      ([name, value]) =>
        `${figures.run}: ${name} is ${JSON.stringify(figures[name as keyof Figures])}, not ${JSON.stringify(value)}`,
    );
}
