import type { ProducerOrder } from "../../shared/lambda/producer-event.ts";
import type { Plan } from "../plan/plan.ts";
import { planFromObject, readPlan } from "../plan/read.ts";

const MAX_NAME_CHARS = 40;

/** The plan that an event names, and the id of the run that this event, however often it comes, makes of it. */
export async function readOrdered(
  order: ProducerOrder,
  spoolDir: string,
  requestId: string,
): Promise<{ readonly plan: Plan; readonly run: string }> {
  const overrides = order.name === undefined ? {} : { name: order.name };
  const plan =
    typeof order.plan === "string"
      ? await readPlan({ path: order.plan, spoolDir, runId: requestId, overrides })
      : await planFromObject(order.plan, { baseDir: ".", overrides });
  return { plan, run: scheduledRunId(plan.name, order.time, requestId) };
}

/** The name and the schedule's time to the second; without a time, the invocation's id. */
export function scheduledRunId(name: string, time: string | undefined, requestId: string): string {
  const plain = name.replaceAll(/[^A-Za-z0-9._-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "");
  const which =
    time === undefined
      ? requestId
      : new Date(time).toISOString().replaceAll(/[-:]/g, "").slice(0, 15).toLowerCase();
  return `${plain.slice(0, MAX_NAME_CHARS) || "run"}-${which}`;
}
