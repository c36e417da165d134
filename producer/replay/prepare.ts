import type { ClaimStore } from "../../shared/claims/claim-store.ts";
import { SenpuError } from "../../shared/errors.ts";
import type { RunRow } from "../../shared/ledger/ledger.ts";
import type { Session } from "../../shared/session.ts";
import type { Plan } from "../plan/plan.ts";
import { settingsOf } from "../run/begin-run.ts";
import { assignAny, editAny } from "./change-large.ts";
import { writeChoice } from "./choice-file.ts";
import type { ChosenCall } from "./choice-file.ts";
import { chooseCalls, commonestRun } from "./choose.ts";
import { editCalls } from "./edit.ts";
import { explainNothing } from "./explain-nothing.ts";
import { gatherLetters } from "./gather.ts";
import { Hold } from "./hold.ts";
import { makeReplayPlan } from "./replay-plan.ts";
import { describeRequest, nameRequest } from "./request.ts";
import type { ReplayRequest } from "./request.ts";
import { checkReplayable, selectCalls } from "./select.ts";
import type { Selection } from "./select.ts";

export interface PrepareOptions {
  readonly session: Session;
  readonly request: ReplayRequest;
  /** Letters of a queue read so far, and about how many there are. */
  readonly onRead: (read: number, expected: number) => void;
  /** Ends the reading; throws then. */
  readonly signal: AbortSignal;
  /** Changes nothing, not even where nothing is to be made. */
  readonly dryRun?: boolean;
}

/** A replay that is chosen, and not begun: its letters are held. */
export interface Chosen {
  readonly parent: string | null;
  readonly selection: Selection;
  readonly calls: readonly ChosenCall[];
  readonly hold: Hold;
}

/**
 * Chooses what is made again. In: what was asked for. Out: calls, with their letters held; `hold.release` lets go of
 * what is left of them in the end. Throws SenpuError `run` where nothing is to be made, `usage` where a call cannot be
 * changed as it was asked; then nothing is held any more. `run`: what calls too large for a message become is kept for it.
 */
export async function chooseReplay(options: PrepareOptions, run?: string): Promise<Chosen> {
  const { session, request, signal } = options;
  const { ledger, broker, claims } = session;
  const row = request.of === undefined ? undefined : await ledger.findRun(request.of);
  if (row !== undefined) checkReplayable(row);
  const hold = new Hold(broker);
  try {
    const lanes = row && settingsOf(row).lanes?.map(({ name }) => name);
    const gathered = await gatherLetters({ ...options, broker, hold, lanes });
    if (signal.aborted) throw new SenpuError("run", "interrupted while reading; nothing was sent");
    hold.keep(() => {});
    const selection = await selectCalls(ledger, request, gathered);
    if (selection.calls.length === 0) {
      const why = await explainNothing(ledger, request, row, gathered, selection);
      if (options.dryRun !== true) await removeObsolete(hold, selection);
      throw why;
    }
    const parent = request.of ?? commonestRun(selection.calls);
    const calls: ChosenCall[] = [];
    for (const { call, policy, ...rest } of chooseCalls(selection.calls, parent)) {
      calls.push({
        ...rest,
        call: await assignAny(claims, run, call, request.assignments),
        policy:
          request.allow.length === 0
            ? policy
            : { ...policy, allow: [...new Set([...policy.allow, ...request.allow])] },
      });
    }
    return { parent, selection, calls, hold };
  } catch (error) {
    await hold.release().catch(() => {});
    throw error;
  }
}

export interface PreparedReplay {
  readonly plan: Plan;
  readonly parent: string | null;
  readonly selection: Selection;
  /** What is still held of the letters is let go. */
  close(): Promise<void>;
}

/**
 * Makes a plan of what was chosen, which is on disk then. Letters of calls that need not be made are deleted, the
 * others once the plan's calls are published. Throws as `chooseReplay` does.
 */
export async function prepareReplay(options: PrepareOptions, run: string): Promise<PreparedReplay> {
  const { session, request } = options;
  const { parent, selection, calls: chosen, hold } = await chooseReplay(options, run);
  const close = (): Promise<void> => hold.release();
  try {
    const calls = request.edit ? await letEdit(session.claims, run, chosen) : chosen;
    const file = await writeChoice(session.folder.spool, run, calls);
    const of = [...new Set(calls.map(({ from }) => from.run))];
    const plan = await makeReplayPlan(session.ledger, {
      name: await nameOf(session, parent, request),
      chosen: calls,
      file,
      shown: describeRequest(request),
      replay: { of, request: nameRequest(request) },
      overrides: request.overrides,
      afterPublished: async () => {
        for (const [queue, receipts] of byQueue(calls)) await hold.remove(queue, receipts);
      },
    });
    await removeObsolete(hold, selection);
    return { plan, parent, selection, close };
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
}

async function letEdit(
  claims: ClaimStore,
  run: string,
  chosen: readonly ChosenCall[],
): Promise<ChosenCall[]> {
  const before = chosen.map(({ call }) => call);
  const edited = await editAny(claims, run, before, editCalls);
  const calls = chosen.flatMap((each) => {
    const call = edited.get(each.call.id);
    return call === undefined ? [] : [{ ...each, call }];
  });
  if (calls.length > 0) return calls;
  throw new SenpuError(
    "run",
    "nothing is left to replay: every line was deleted; nothing was sent",
  );
}

/** As the run is called whose calls these are. */
async function nameOf(
  { ledger }: Session,
  parent: string | null,
  request: ReplayRequest,
): Promise<string> {
  const row: RunRow | undefined = parent === null ? undefined : await ledger.findRun(parent);
  return row?.name ?? describeRequest(request);
}

async function removeObsolete(hold: Hold, { obsolete }: Selection): Promise<void> {
  for (const [queue, held] of Map.groupBy(obsolete, (each) => each.queue)) {
    await hold.remove(
      queue,
      held.map(({ receipt }) => receipt),
    );
  }
}

function byQueue(calls: readonly ChosenCall[]): Map<string, string[]> {
  const receipts = new Map<string, string[]>();
  for (const { queue, receipt } of calls.flatMap(({ letters }) => letters)) {
    const inQueue = receipts.get(queue);
    if (inQueue === undefined) receipts.set(queue, [receipt]);
    else inQueue.push(receipt);
  }
  return receipts;
}
