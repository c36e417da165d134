import type { Ledger, RunRow } from "../../shared/ledger/ledger.ts";
import { isFinal } from "../../shared/ledger/run-rules.ts";
import type { PlanSource } from "../plan/plan.ts";

/** Which run replays which, and what has become of a call over all of them. */

const RUNS_LOOKED_AT = 100_000;
/** Ids that the ledger is asked for at once. */
const IDS_AT_ONCE = 1_000;

export interface Lineage {
  /** Direct ones, oldest first. */
  replaysOf(run: string): readonly RunRow[];
}

export async function readLineage(ledger: Pick<Ledger, "listRuns">): Promise<Lineage> {
  const rows = (await ledger.listRuns(RUNS_LOOKED_AT)).toReversed();
  const byReplayed = new Map<string, RunRow[]>();
  for (const row of rows) {
    for (const run of replayedBy(row)) {
      if (run === row.id) continue;
      const replays = byReplayed.get(run);
      if (replays === undefined) byReplayed.set(run, [row]);
      else replays.push(row);
    }
  }
  return { replaysOf: (run) => byReplayed.get(run) ?? [] };
}

/** The runs whose calls this run makes again; none of an ordinary one. */
function replayedBy(row: RunRow): readonly string[] {
  const of = (JSON.parse(row.source) as Partial<PlanSource>).replay?.of ?? [];
  return row.parent === null || of.includes(row.parent) ? of : [row.parent, ...of];
}

/**
 * What a call of `run` is called in a replay. The calls of its parent keep their ids; those of other runs, which it may
 * hold as well, are told apart from them.
 */
export function idInReplay(replay: Pick<RunRow, "parent">, run: string, id: string): string {
  return run === replay.parent ? id : `${id}@${run}`;
}

export interface Past {
  /** Succeeded, in the run itself or in any replay of it. */
  readonly succeeded: ReadonlySet<string>;
  /** Made again by a replay that has settled, whatever came of it: by call, that replay. */
  readonly replayed: ReadonlyMap<string, string>;
}

/** What has become of these calls of a run since. */
export async function readPast(
  ledger: Pick<Ledger, "known">,
  lineage: Lineage,
  run: string,
  ids: readonly string[],
): Promise<Past> {
  const past = { succeeded: new Set<string>(), replayed: new Map<string, string>() };
  for (let from = 0; from < ids.length; from += IDS_AT_ONCE) {
    const part = ids.slice(from, from + IDS_AT_ONCE);
    for (const id of await succeededOf(ledger, lineage, run, part, new Set())) {
      past.succeeded.add(id);
    }
    for (const replay of lineage.replaysOf(run)) {
      if (replay.state !== "settled") continue;
      const named = new Map(part.map((id) => [idInReplay(replay, run, id), id]));
      const { planned } = await ledger.known(replay.id, [...named.keys()]);
      for (const name of planned) past.replayed.set(named.get(name)!, replay.id);
    }
  }
  return past;
}

async function succeededOf(
  ledger: Pick<Ledger, "known">,
  lineage: Lineage,
  run: string,
  ids: readonly string[],
  seen: Set<string>,
): Promise<Set<string>> {
  seen.add(run);
  const { succeeded } = await ledger.known(run, ids);
  for (const replay of lineage.replaysOf(run)) {
    const open = ids.filter((id) => !succeeded.has(id));
    // A ledger that somebody wrote by hand could hold a ring of parents.
    if (open.length === 0 || seen.has(replay.id)) continue;
    const named = new Map(open.map((id) => [idInReplay(replay, run, id), id]));
    for (const name of await succeededOf(ledger, lineage, replay.id, [...named.keys()], seen)) {
      succeeded.add(named.get(name)!);
    }
  }
  return succeeded;
}

/** How many calls of a run are failed, and have not succeeded in any replay since. */
export async function countStillFailed(
  ledger: Pick<Ledger, "known" | "calls">,
  lineage: Lineage,
  run: string,
): Promise<number> {
  let failed = 0;
  let ids: string[] = [];
  const count = async (): Promise<void> => {
    const succeeded = await succeededOf(ledger, lineage, run, ids, new Set());
    failed += ids.length - succeeded.size;
    ids = [];
  };
  for await (const { id } of ledger.calls(run, { state: "failed" })) {
    ids.push(id);
    if (ids.length >= IDS_AT_ONCE) await count();
  }
  if (ids.length > 0) await count();
  return failed;
}

/** Replays of the run that have not ended, and so may still need their letters. */
export function openReplays(lineage: Lineage, run: string): readonly RunRow[] {
  return lineage.replaysOf(run).filter(({ state }) => !isFinal(state));
}
