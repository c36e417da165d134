import { hasLivingOwner } from "../../producer/run/owner.ts";
import { letGoOn } from "../../producer/run/let-go-on.ts";
import { pauseRun } from "../../producer/run/pause-run.ts";
import { isFinal } from "../../shared/ledger/run-rules.ts";
import { RUN } from "./world.ts";
import type { World } from "./world.ts";

/** What a person does to a run from another terminal: the commands without their words. */

export function pause(world: World): void {
  world.start("pause", async ({ name }) => {
    if ((await world.session.ledger.findRun(RUN)) === undefined) return;
    await pauseRun(world.session, RUN, name);
  });
}

export function unpause(world: World, run: string): void {
  const { ledger, coordination } = world.session;
  world.start("unpause", async ({ name }) => {
    const row = await ledger.findRun(run);
    if (row?.state !== "paused") return;
    if (hasLivingOwner(row, Date.now())) {
      const left = await letGoOn({ ledger, coordination, row, by: name, onWaiting: () => {} });
      if (left === "goes on") return;
    }
    await world.conductHere(run, world.parentOf(run));
  });
}

/** Workers first: whatever dies after this, no further call starts. */
export function cancel(world: World): void {
  const { ledger, coordination } = world.session;
  world.start("cancel", async ({ name }) => {
    const row = await ledger.findRun(RUN);
    if (row === undefined || isFinal(row.state)) return;
    await coordination.setControl(RUN, { generation: row.generation, state: "cancelled" });
    await ledger.setState(RUN, "cancelled", name, Date.now());
    const { generation } = (await ledger.findRun(RUN)) ?? row;
    await coordination.setControl(RUN, { generation, state: "cancelled" });
    await coordination.releaseLanes(RUN);
  });
}
