import type { CallFilter, Ledger } from "../../shared/ledger/ledger.ts";
import { hostOf } from "../../shared/model/host.ts";
import { isUnsafe } from "../../shared/model/call.ts";
import type { Call } from "../../shared/model/call.ts";
import { idempotencyKey } from "../../shared/model/idempotency-key.ts";
import type { Letter } from "../../shared/model/letter.ts";
import type { Reason } from "../../shared/model/outcome.ts";
import type { ChosenCall, LetterPlace } from "./choice-file.ts";
import { idInReplay, readPast } from "./lineage.ts";
import type { Lineage } from "./lineage.ts";
import { keyOf } from "./remove-letters.ts";

/** From letters to calls: what is made again, and what need not be. */

export interface HeldLetter extends LetterPlace {
  readonly letter: Letter;
}

/** A call with all of its letters, the newest first. */
export interface FailedCall {
  readonly run: string;
  readonly id: string;
  readonly letters: readonly [HeldLetter, ...HeldLetter[]];
}

/** Does the letter pass? `state` means nothing here, and `limit` is not its business. */
export function passes(
  letter: Pick<Letter, "reason" | "status" | "lane" | "call">,
  filter: CallFilter,
): boolean {
  const { reason, status, lane, host, id } = filter;
  if (reason !== undefined && letter.reason !== reason) return false;
  if (lane !== undefined && letter.lane !== lane) return false;
  if (id !== undefined && letter.call.id !== id) return false;
  if (host !== undefined && hostOf(letter.call.url) !== host) return false;
  if (status === undefined) return true;
  return letter.status !== null && letter.status >= status.from && letter.status <= status.to;
}

/** One entry a call, the longest failed first. Pure. */
export function collapse(letters: readonly HeldLetter[]): FailedCall[] {
  const calls = new Map<string, [HeldLetter, ...HeldLetter[]]>();
  // Of the same age, in the order of the queue once it is turned round.
  const newestFirst = letters
    .toReversed()
    .toSorted((a, b) => b.letter.failedAt - a.letter.failedAt);
  for (const held of newestFirst) {
    const key = keyOf(held.letter.run, held.letter.call.id);
    const known = calls.get(key);
    if (known === undefined) calls.set(key, [held]);
    else known.push(held);
  }
  return [...calls.values()]
    .toReversed()
    .map((each) => ({ run: each[0].letter.run, id: each[0].letter.call.id, letters: each }));
}

export interface Sifted {
  readonly open: readonly FailedCall[];
  /** Succeeded since, in their run or a replay of it. */
  readonly succeeded: readonly FailedCall[];
  /** Letters that a replay left behind when it died between publishing and deleting, by that replay. */
  readonly replayed: ReadonlyMap<string, readonly FailedCall[]>;
}

/** Tells the calls that are to be made from those that the ledger knows better of. */
export async function sift(
  ledger: Pick<Ledger, "known">,
  lineage: Lineage,
  calls: readonly FailedCall[],
): Promise<Sifted> {
  const open: FailedCall[] = [];
  const succeeded: FailedCall[] = [];
  const replayed = new Map<string, FailedCall[]>();
  for (const [run, ofRun] of Map.groupBy(calls, (call) => call.run)) {
    const ids = ofRun.map(({ id }) => id);
    const past = await readPast(ledger, lineage, run, ids);
    for (const call of ofRun) {
      const replay = past.replayed.get(call.id);
      if (past.succeeded.has(call.id)) succeeded.push(call);
      else if (replay === undefined) open.push(call);
      else replayed.set(replay, [...(replayed.get(replay) ?? []), call]);
    }
  }
  return { open, succeeded, replayed };
}

/** The run that most of the calls failed in; the first of several. Null without calls. Pure. */
export function commonestRun(calls: readonly FailedCall[]): string | null {
  const counts = new Map<string, number>();
  for (const { run } of calls) counts.set(run, (counts.get(run) ?? 0) + 1);
  const [first] = [...counts].toSorted(([, a], [, b]) => b - a);
  return first?.[0] ?? null;
}

/** The calls as a replay of `parent` makes them: anew, under ids of their own. Pure. */
export function chooseCalls(calls: readonly FailedCall[], parent: string | null): ChosenCall[] {
  const taken = new Set<string>();
  return calls.map(({ run, id, letters }) => {
    const [{ letter }] = letters;
    let name = idInReplay({ parent }, run, id);
    // Somebody's own id may look like that of a call from another run: neither is lost.
    while (taken.has(name)) name += "@";
    taken.add(name);
    const { deadlineAt: _, ...policy } = letter.policy;
    return {
      call: anew(letters, name),
      lane: letter.lane,
      policy,
      from: { run, id },
      letters: letters.map(({ queue, receipt }) => ({ queue, receipt })),
    };
  });
}

/** Nobody saw what became of it, so it may have been processed: then the server must be able to tell a repetition. */
function isUnseen({ reason, status }: Letter): boolean {
  return reason === "unknown" || reason === "abandoned" || status === null;
}

function anew(letters: FailedCall["letters"], id: string): Call {
  const { attempts: _1, startedAt: _2, key: _3, ...call } = letters[0].letter.call;
  const unseen = letters.find(({ letter }) => isUnseen(letter))?.letter;
  if (!isUnsafe(call.method ?? "GET") || unseen === undefined) return { ...call, id };
  const key = unseen.call.key ?? idempotencyKey(unseen.run, unseen.call.id);
  return { ...call, id, key };
}

export interface Cause {
  readonly reason: Reason;
  readonly status: number | null;
  readonly count: number;
}

/** Why the calls failed, the commonest first. Pure. */
export function countCauses(calls: readonly FailedCall[]): Cause[] {
  const groups = Map.groupBy(
    calls,
    ({ letters: [{ letter }] }) => `${letter.reason} ${letter.status}`,
  );
  return [...groups.values()]
    .map((group) => {
      const { reason, status } = group[0]!.letters[0].letter;
      return { reason, status, count: group.length };
    })
    .toSorted((a, b) => b.count - a.count);
}
