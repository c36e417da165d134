import { SenpuError, messageOf } from "../../shared/errors.ts";
import { HEARTBEAT_DEAD_MS } from "../../shared/ledger/ledger.ts";
import type { Ledger, RunRow } from "../../shared/ledger/ledger.ts";
import { stateAt } from "../../shared/ledger/run-rules.ts";
import { sourceOf } from "../run/begin-run.ts";
import { readChoice } from "./choice-file.ts";
import { collapse, countCauses, sift } from "./choose.ts";
import type { Cause, FailedCall, HeldLetter } from "./choose.ts";
import type { Gathered } from "./gather.ts";
import { openReplays, readLineage } from "./lineage.ts";
import type { Lineage } from "./lineage.ts";
import { keyOf } from "./remove-letters.ts";
import type { ReplayRequest } from "./request.ts";

/** Which of the letters that were gathered are made again, and what becomes of the others. */
export interface Selection {
  readonly calls: readonly FailedCall[];
  readonly causes: readonly Cause[];
  /** Need not be made: their letters can go. */
  readonly obsolete: readonly HeldLetter[];
  /** Of which calls that have succeeded since. */
  readonly succeeded: number;
  /** Of which calls that a settled replay has made, by that replay. */
  readonly replayed: Readonly<Record<string, number>>;
  /** Left alone, because a replay that has not ended has chosen them, by that replay. */
  readonly inReplay: Readonly<Record<string, number>>;
  /** Left alone, because their run goes on, by that run. */
  readonly running: Readonly<Record<string, number>>;
  readonly elsewhere: number;
  readonly dead: number;
}

/** Throws SenpuError `run` where there is nothing to make, and says why. */
export async function selectCalls(
  ledger: Pick<Ledger, "known" | "listRuns" | "findRun">,
  request: ReplayRequest,
  gathered: Gathered,
): Promise<Selection> {
  const lineage = await readLineage(ledger);
  const left = await setAside(ledger, lineage, gathered.letters);
  const sifted = await sift(ledger, lineage, collapse(left.letters));
  const calls = sifted.open.slice(0, request.filter.limit);
  const done = [...sifted.succeeded, ...[...sifted.replayed.values()].flat()];
  return {
    calls,
    causes: countCauses(calls),
    obsolete: done.flatMap(({ letters }) => letters),
    succeeded: sifted.succeeded.length,
    replayed: Object.fromEntries([...sifted.replayed].map(([run, each]) => [run, each.length])),
    inReplay: Object.fromEntries(left.inReplay),
    running: Object.fromEntries(left.running),
    elsewhere: gathered.elsewhere,
    dead: gathered.dead,
  };
}

interface Left {
  readonly letters: readonly HeldLetter[];
  readonly inReplay: ReadonlyMap<string, number>;
  readonly running: ReadonlyMap<string, number>;
}

async function setAside(
  ledger: Pick<Ledger, "findRun">,
  lineage: Lineage,
  letters: readonly HeldLetter[],
): Promise<Left> {
  const inReplay = new Map<string, number>();
  const running = new Map<string, number>();
  const rest: HeldLetter[] = [];
  for (const [run, ofRun] of Map.groupBy(letters, ({ letter }) => letter.run)) {
    const row = await ledger.findRun(run);
    if (row !== undefined && isGoingOn(row)) {
      running.set(run, ofRun.length);
      continue;
    }
    const chosenBy = await readOpenChoices(lineage, run);
    for (const held of ofRun) {
      const replay = chosenBy.get(keyOf(run, held.letter.call.id));
      if (replay === undefined) rest.push(held);
      else inReplay.set(replay, (inReplay.get(replay) ?? 0) + 1);
    }
  }
  return { letters: rest, inReplay, running };
}

function isGoingOn(row: RunRow): boolean {
  const state = stateAt(row, Date.now());
  return state === "running" || state === "paused";
}

async function readOpenChoices(lineage: Lineage, run: string): Promise<Map<string, string>> {
  const chosenBy = new Map<string, string>();
  for (const replay of openReplays(lineage, run)) {
    const source = sourceOf(replay);
    if (source.replay === undefined) continue;
    try {
      for await (const batch of readChoice(source.path)) {
        for (const { from } of batch) chosenBy.set(keyOf(from.run, from.id), replay.id);
      }
    } catch (cause) {
      throw new SenpuError(
        "run",
        `replay ${replay.id} has not ended, and what it chose cannot be read (${messageOf(cause)}); senpu cancel ${replay.id} gives it up`,
        { cause },
      );
    }
  }
  return chosenBy;
}

/** Throws unless the run has ended, or stands still. */
export function checkReplayable(row: RunRow): void {
  if (!isGoingOn(row)) return;
  const how =
    row.state === "paused"
      ? "is paused"
      : `still runs (its last sign of life is less than ${HEARTBEAT_DEAD_MS / 1000} s old)`;
  throw new SenpuError(
    "run",
    `run ${row.id} ${how}: replay what has failed once it has ended; senpu status ${row.id} --watch follows it`,
  );
}
