import { assign, parseAssignment } from "../../producer/replay/assignment.ts";
import { chooseCalls } from "../../producer/replay/choose.ts";
import type { ChosenCall } from "../../producer/replay/choice-file.ts";
import { gatherLetters } from "../../producer/replay/gather.ts";
import { Hold } from "../../producer/replay/hold.ts";
import { makeReplayPlan } from "../../producer/replay/replay-plan.ts";
import { nameRequest } from "../../producer/replay/request.ts";
import type { ReplayRequest } from "../../producer/replay/request.ts";
import { checkReplayable, selectCalls } from "../../producer/replay/select.ts";
import type { Plan, PlanEntry } from "../../producer/plan/plan.ts";
import { RUN_HEADER } from "./model-api.ts";
import { RUN } from "./world.ts";
import type { World } from "./world.ts";

/**
 * `senpu replay` without its disk: letters are gathered, held, sifted and chosen from as it does, the choice is kept in
 * the world, and then conducted as a run. A command that finds one begun goes on with that.
 */
export function replayFailed(world: World): void {
  const { session } = world;
  const begun = [...world.plans.keys()].find((run) => run !== RUN);
  if (begun !== undefined) {
    world.conduct(begun, RUN, false);
    return;
  }
  world.start("replay", async () => {
    const { ledger, broker } = session;
    const run = "again";
    const request: ReplayRequest = {
      of: RUN,
      filter: {},
      assignments: [parseAssignment(`headers.${RUN_HEADER}=${run}`)],
      edit: false,
      allow: [],
      overrides: {},
    };
    const row = await ledger.findRun(RUN);
    if (row === undefined) return;
    checkReplayable(row);
    const hold = new Hold(broker);
    const { signal } = new AbortController();
    const gathered = await gatherLetters({
      broker,
      hold,
      request,
      lanes: undefined,
      onRead: () => {},
      signal,
    });
    hold.keep(() => {});
    const selection = await selectCalls(ledger, request, gathered);
    if (selection.calls.length === 0) return;
    const calls = chooseCalls(selection.calls, RUN).map((each) => ({
      ...each,
      call: assign(each.call, request.assignments),
    }));
    const plan = await makeReplayPlan(ledger, {
      name: "again",
      chosen: calls,
      file: { path: "", digest: run },
      shown: "replay",
      replay: { of: [RUN], request: nameRequest(request) },
      overrides: {},
      afterPublished: () => removeLetters(hold, calls),
    });
    // On disk from here on.
    world.plans.set(run, { ...plan, entries: () => entriesOf(calls) } satisfies Plan);
    for (const { queue, receipt } of selection.obsolete) await hold.remove(queue, [receipt]);
    await world.conductHere(run, RUN);
    await hold.release();
  });
}

async function* entriesOf(calls: readonly ChosenCall[]): AsyncGenerator<readonly PlanEntry[]> {
  yield calls.map(({ call, lane, policy }) => ({ call, lane, policy }));
}

/** A successor whose receipts are old leaves them: the next replay knows what was made again. */
async function removeLetters(hold: Hold, calls: readonly ChosenCall[]): Promise<void> {
  for (const { queue, receipt } of calls.flatMap(({ letters }) => letters)) {
    await hold.remove(queue, [receipt]);
  }
}
