import { claimedLimits } from "../../shared/coordination/claimed-limits.ts";
import type { WorkSession } from "../../shared/session.ts";
import type { Plan } from "../plan/plan.ts";

/** Workers know of the run, and of its limits, before its first message. */
export async function openLanes(
  { broker, coordination }: Pick<WorkSession, "broker" | "coordination">,
  plan: Plan,
  run: string,
  generation: number,
): Promise<void> {
  await broker.ensure(plan.lanes.map(({ name }) => name));
  await coordination.claimLanes(run, claimedLimits(plan));
  await coordination.setControl(run, { generation, state: "running" });
}
